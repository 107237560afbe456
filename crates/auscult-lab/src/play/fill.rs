//! Placeholders in the texts of a story: `${net}` is a value that varies with the seed,
//! `${server.ip}` an address, `${n}` and `${n+10}` count the repetitions of a step, and
//! `${letters:8}`, `${digits:5}`, `${hex:16}` are made up each time.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use toml::Value;

use super::story::Vary;
use crate::prng::Prng;

/// What placeholders stand for.
pub(super) struct Filling {
    values: BTreeMap<String, Value>,
    prng: Prng,
    /// The repetition of the step, from 0.
    pub(super) turn: i64,
}

/// Finds the address of a host.
type Find<'a> = &'a dyn Fn(&str) -> Option<Ipv4Addr>;

impl Filling {
    pub(super) fn new(prng: &Prng, vary: &BTreeMap<String, Vary>) -> Result<Filling, String> {
        let mut values = BTreeMap::new();
        for (name, vary) in vary {
            let mut prng = prng.fork(name);
            let value = match vary {
                Vary::Pick(list) if !list.is_empty() => prng.pick(list).clone(),
                Vary::Pick(_) => return Err(format!("nothing to pick for `{name}`")),
                Vary::Range(range) => {
                    let ends = range
                        .split_once("..")
                        .and_then(|(low, high)| Some((low.parse().ok()?, high.parse().ok()?)));
                    let (low, high) = ends.ok_or(format!("`{range}` is no range"))?;
                    Value::Integer(prng.between(low, high))
                }
            };
            values.insert(name.clone(), value);
        }
        Ok(Filling {
            values,
            prng: prng.fork("filling"),
            turn: 0,
        })
    }

    /// The value with its placeholders filled in; a text that is nothing but one placeholder
    /// becomes the value itself.
    pub(super) fn fill(&mut self, value: &Value, find: Find<'_>) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) => self.text(text, find)?,
            Value::Array(list) => {
                let filled: Result<_, String> = list.iter().map(|v| self.fill(v, find)).collect();
                Value::Array(filled?)
            }
            Value::Table(table) => {
                let mut out = toml::Table::new();
                for (key, value) in table {
                    out.insert(key.clone(), self.fill(value, find)?);
                }
                Value::Table(out)
            }
            other => other.clone(),
        })
    }

    fn text(&mut self, text: &str, find: Find<'_>) -> Result<Value, String> {
        let mut parts = text.split("${");
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part
                .split_once('}')
                .ok_or(format!("`{text}` has no end of a placeholder"))?;
            let value = self.value(name, find)?;
            if out.is_empty() && rest.is_empty() && text.len() == name.len() + 3 {
                return Ok(value);
            }
            match value {
                Value::String(value) => out.push_str(&value),
                other => out.push_str(&other.to_string()),
            }
            out.push_str(rest);
        }
        Ok(Value::String(out))
    }

    fn value(&mut self, name: &str, find: Find<'_>) -> Result<Value, String> {
        if let Some(value) = self.values.get(name) {
            return Ok(value.clone());
        }
        if let Some(more) = name.strip_prefix('n') {
            match more.strip_prefix('+').map(str::parse::<i64>) {
                None if more.is_empty() => return Ok(Value::Integer(self.turn)),
                Some(Ok(more)) => return Ok(Value::Integer(self.turn + more)),
                _ => {}
            }
        }
        if let Some((alphabet, length)) = name.split_once(':') {
            let letters: &[u8] = match alphabet {
                "letters" => b"abcdefghijklmnopqrstuvwxyz",
                "digits" => b"0123456789",
                "hex" => b"0123456789abcdef",
                "base32" => b"abcdefghijklmnopqrstuvwxyz234567",
                _ => return Err(format!("`{alphabet}` is no alphabet")),
            };
            let length: usize = length.parse().map_err(|_| format!("`{name}`: how many?"))?;
            let mut pick = || char::from(*self.prng.pick(letters));
            return Ok(Value::String((0..length).map(|_| pick()).collect()));
        }
        let host = name.strip_suffix(".ip").unwrap_or(name);
        find(host)
            .map(|ip| Value::String(ip.to_string()))
            .ok_or(format!("nothing is called `{name}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled() {
        let vary = BTreeMap::from([
            ("port".to_owned(), Vary::Range("80..80".to_owned())),
            ("word".to_owned(), Vary::Pick(vec![Value::from("lp")])),
        ]);
        let mut filling = Filling::new(&Prng::new(1), &vary).unwrap_or_else(|e| panic!("{e}"));
        filling.turn = 2;
        let find = |name: &str| (name == "pc").then_some(Ipv4Addr::LOCALHOST);
        let mut fill = |text: &str| filling.fill(&Value::from(text), &find);
        assert_eq!(fill("${port}"), Ok(Value::Integer(80)));
        assert_eq!(fill("${word}${n}-${n+3}"), Ok(Value::from("lp2-5")));
        assert_eq!(fill("{${pc.ip}}"), Ok(Value::from("{127.0.0.1}")));
        assert!(fill("${nobody.ip}").is_err() && fill("${open").is_err());
    }
}
