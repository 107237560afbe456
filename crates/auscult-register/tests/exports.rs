//! Three exports of different shape against a ward's report: what is matched, what is not, and
//! what their tables look like in a spreadsheet.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use auscult_model::report::Report;
use auscult_register::{
    Check, Choice, Choices, Field, Fit, Key, Register, RegisterError, View, check, read,
    register_csv, register_json, register_text,
};
use auscult_report::{Page, csv_record, read_json};
use proptest::prelude::*;

/// Two monitors with their station, a Vista 120, an ultrasound: as `analyze` writes it. Invented.
fn ward() -> Report {
    let device = |id: &str, role: &str, mac: &str, ip: &str, more: &str| {
        format!(
            r#"{{"id":"{id}","aliases":[],"role":"{role}","confidence":0.9,"macs":[{mac}],
            "ips":["{ip}"],"segments":["vlan 20"],"first_seen":null,"last_seen":null,"inside":true,
            "isolation":"local-only","services":[],"talks_to_total":0,"talks_to":[],
            "patient_data":[],"claims":[]{more}}}"#
        )
    };
    let cms =
        r#","vendor":"CONTEC","model":"CMS8000 family","signature":"contec-cms8000","unit":"ICU""#;
    let vista = r#","vendor":"Dräger","model":"Vista 120 family","serial":"ASX-90123""#;
    let devices = [
        device(
            "mac-7",
            "patient-monitor",
            "\"00:14:2d:00:00:07\"",
            "10.20.4.7",
            cms,
        ),
        device(
            "mac-9",
            "patient-monitor",
            "\"00:14:2d:00:00:09\"",
            "10.20.4.9",
            cms,
        ),
        device(
            "station",
            "central-station",
            "\"18:66:da:00:00:05\"",
            "10.20.0.5",
            "",
        ),
        device("vista", "patient-monitor", "", "10.20.7.1", vista),
        device(
            "us",
            "imaging-modality",
            "",
            "10.30.0.2",
            r#","hostname":"us-raum-2.example""#,
        ),
    ]
    .join(",");
    let report = format!(
        r#"{{"schema":1,"auscult":"0.1.0","captures":[{{"file":"ward.pcapng","fingerprint":"00",
        "packets":9,"bytes":9,"first":"2026-06-30T08:00:00Z","last":"2026-06-30T09:00:00Z",
        "link_types":[],"complete":true,"point":"access"}}],"skipped":[],
        "site":{{"networks":[],"squatted":[],"partners":[]}},"coverage":[],"devices_total":5,
        "devices":[{devices}],"findings_total":0,"findings":[],"artifacts_total":0,"artifacts":[],
        "data_sets":[],"health":{}}}"#,
        serde_json::to_string(&auscult_model::report::Health::default()).unwrap()
    );
    read_json(report.as_bytes()).unwrap()
}

fn export(name: &str) -> Register {
    let path = format!("{}/tests/exports/{name}", env!("CARGO_MANIFEST_DIR"));
    read(&std::fs::read(path).unwrap(), &Choices::default()).unwrap()
}

fn table(text: &str) -> Register {
    read(text.as_bytes(), &Choices::default()).unwrap()
}

fn name(check: &Check<'_>, row: usize) -> String {
    check.register.rows[row].name()
}

fn matched(check: &Check<'_>) -> Vec<(String, Vec<String>, Vec<Key>)> {
    let id = |place: &usize| check.report.unwrap().devices[*place].id.clone();
    check
        .both
        .iter()
        .map(|found| {
            let devices = found.devices.iter().map(id).collect();
            (name(check, found.row), devices, found.by.clone())
        })
        .collect()
}

fn unclear(check: &Check<'_>) -> Vec<(String, String)> {
    let found = check.contradictions.iter();
    found.map(|c| (name(check, c.row), c.why.clone())).collect()
}

fn of(device: &str, key: Key, asset: &str) -> (String, Vec<String>, Vec<Key>) {
    (asset.to_owned(), vec![device.to_owned()], vec![key])
}

#[test]
fn an_american_export() {
    let (register, report) = (export("us-biomed.csv"), ward());
    assert_eq!((register.header_line, register.rows[0].line), (4, 5));
    assert_eq!(register.rows.len(), 9);
    assert_eq!(register.problems.len(), 2);
    assert_eq!(register.rows[2].serial, None, "damaged by a spreadsheet");
    let check = check(&register, Some(&report));
    assert_eq!(
        matched(&check),
        [
            of("mac-7", Key::Mac, "BM-1001"),
            of("mac-9", Key::Mac, "BM-1002"),
            of("station", Key::Mac, "BM-1006"),
        ]
    );
    assert!(check.contradictions.is_empty() && check.counted.is_empty());
    assert_eq!(check.retired, [6]);
    let walk: Vec<(String, Fit)> = check
        .walk
        .iter()
        .map(|w| (name(&check, w.row), w.fit))
        .collect();
    let named = |asset: &str| (asset.to_owned(), Fit::Named);
    assert_eq!(walk, [named("BM-1003"), named("BM-1001"), named("BM-1002")]);
}

#[test]
fn a_german_export_is_counted_where_units_are_alike() {
    let (register, mut report) = (export("de-instandhaltung.csv"), ward());
    assert_eq!(register.encoding, "windows-1252");
    assert_eq!((register.header_line, register.rows[5].line), (2, 8));
    let check = check(&register, Some(&report));
    assert_eq!(
        matched(&check),
        [
            of("station", Key::Mac, "MT-0004"),
            of("us", Key::Host, "MT-0005")
        ]
    );
    let [group] = check.counted.as_slice() else {
        panic!("{:?}", check.counted);
    };
    assert_eq!((group.rows.len(), group.devices.len()), (3, 2));
    assert_eq!(group.unit.as_deref(), Some("ICU"));
    // The Vista has another serial number than the retired one.
    assert_eq!(check.retired, [5]);
    assert_eq!(check.only_network, [3]);
    // In another unit nothing is counted together.
    for device in &mut report.devices {
        device.unit = device.unit.as_ref().map(|_| "OP".to_owned());
    }
    let elsewhere = auscult_register::check(&register, Some(&report));
    assert!(elsewhere.counted.is_empty(), "{:?}", elsewhere.counted);
}

#[test]
fn a_french_export_with_two_rows_for_one_address() {
    let (register, report) = (export("fr-gmao.txt"), ward());
    assert_eq!(register.delimiter, '\t');
    let check = check(&register, Some(&report));
    assert_eq!(
        matched(&check),
        [
            of("mac-7", Key::Mac, "EQ-77"),
            of("station", Key::Mac, "EQ-80")
        ]
    );
    let unclear = unclear(&check);
    assert_eq!(unclear.len(), 2);
    assert!(
        unclear
            .iter()
            .all(|(_, why)| why.contains("stands in 2 rows"))
    );
    assert_eq!(check.duplicates.len(), 1);
}

#[test]
fn signs_that_contradict_are_no_match() {
    let mut report = ward();
    report.devices[0].serial = Some("AA-11111".to_owned());
    let register = table(
        "Asset,Serial,MAC,Hostname,Manufacturer\n\
         A,BB-22222,00:14:2d:00:00:07,,CONTEC\n\
         B,ASX90123,18:66:da:00:00:05,,\n\
         C,,00:11:22:33:44:55,US-RAUM-2,\n",
    );
    let check = check(&register, Some(&report));
    assert!(check.both.len() <= 1, "{:?}", check.both);
    let unclear = unclear(&check);
    assert!(
        unclear[0].1.contains("serial number does not"),
        "{unclear:?}"
    );
    assert!(unclear[1].1.contains("different devices"), "{unclear:?}");
    assert_eq!(unclear.len(), 2);
    // The device shows no MAC address, so nothing contradicts its name.
    assert_eq!(matched(&check), [of("us", Key::Host, "C")]);
}

#[test]
fn serials_do_not_cross_makers_and_survive_lost_zeros() {
    let mut report = ward();
    report.devices[3].serial = Some("0012345".to_owned());
    let one = |text: &str| {
        let register = table(&format!("Asset,Serial,Manufacturer\n{text}\n"));
        let check = check(&register, Some(&report));
        (check.both.len(), check.contradictions.len())
    };
    assert_eq!(one("A,0012345,Drager"), (1, 0));
    assert_eq!(one("A,12345,Dräger Medical"), (1, 0));
    assert_eq!(one("A,12345,"), (1, 0));
    assert_eq!(one("A,12345,Philips"), (0, 1));
    assert_eq!(one("A,1.2345E+4,Dräger"), (0, 0));
    assert_eq!(one("A,123456,Dräger"), (0, 0));
}

#[test]
fn columns_can_be_chosen() {
    let text = "x,y,z\nBM-1,CMS8000,00142d000007\n";
    let choose = |pairs: &[(Field, &str)]| {
        let columns = pairs.iter().map(|(field, column)| Choice {
            field: *field,
            column: (*column).to_owned(),
        });
        let choices = Choices {
            columns: columns.collect(),
            encoding: None,
        };
        read(text.as_bytes(), &choices)
    };
    assert!(matches!(choose(&[]), Err(RegisterError::NoHeader(_))));
    let register = choose(&[(Field::Model, "Y"), (Field::Asset, "x")]).unwrap();
    assert_eq!(register.rows[0].model.as_deref(), Some("CMS8000"));
    // Found by its values.
    assert_eq!(register.rows[0].macs.len(), 1);
    let none = choose(&[(Field::Model, "y"), (Field::Asset, "x"), (Field::Mac, "")]).unwrap();
    assert!(none.rows[0].macs.is_empty());
    let wrong = choose(&[(Field::Model, "y"), (Field::Serial, "q")]);
    assert!(
        matches!(wrong, Err(RegisterError::NoColumn(..))),
        "{wrong:?}"
    );
}

#[test]
fn what_is_too_large_is_told() {
    let quote = format!("Asset,Model\n1,\"{}\n", "x".repeat(40_000));
    let error = read(quote.as_bytes(), &Choices::default()).unwrap_err();
    assert!(error.to_string().contains("quote"), "{error}");
    let wide = format!("Asset,Model{}\n", ",".repeat(600));
    assert!(read(wide.as_bytes(), &Choices::default()).is_err());
    let long = format!("Asset,Model\n{}", "1,2\n".repeat(200_001));
    let error = read(long.as_bytes(), &Choices::default()).unwrap_err();
    assert!(
        matches!(error, RegisterError::TooLarge { what: "rows", .. }),
        "{error}"
    );
}

#[test]
fn views_are_narrow_safe_and_whole() {
    let report = ward();
    for file in ["us-biomed.csv", "de-instandhaltung.csv", "fr-gmao.txt"] {
        let register = export(file);
        for report in [None, Some(&report)] {
            let check = check(&register, report);
            let view = View { file, all: true };
            let mut page = Page::new(80, false);
            register_text(&mut page, &check, &view);
            let text = page.finish();
            for line in text.lines() {
                assert!(line.chars().count() <= 80, "{line}");
            }
            let json = register_json(&check, &view).unwrap();
            let json: serde_json::Value = serde_json::from_str(&json).unwrap();
            assert_eq!(json["register"]["rows"], register.rows.len());
            assert_eq!(json["network"].is_object(), report.is_some());
            let csv = register_csv(&check);
            let mut reader = csv::Reader::from_reader(csv.as_bytes());
            for record in reader.records() {
                for cell in &record.unwrap() {
                    assert!(!cell.starts_with(['=', '+', '-', '@', '\t']), "{cell}");
                }
            }
        }
    }
    let register = export("us-biomed.csv");
    let csv = register_csv(&check(&register, Some(&report)));
    assert!(
        csv.contains("'=HYPERLINK") && csv.contains("'@SUM"),
        "{csv}"
    );
}

#[test]
fn rows_are_plain_data() {
    let register = export("fr-gmao.txt");
    let text = serde_json::to_string(&register).unwrap();
    assert_eq!(serde_json::from_str::<Register>(&text).unwrap(), register);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = read(&bytes, &Choices::default());
        let mut led = b"Asset;Model;Serial;MAC\r\n".to_vec();
        led.extend(&bytes);
        if let Ok(register) = read(&led, &Choices::default()) {
            let report = ward();
            let check = check(&register, Some(&report));
            register_csv(&check);
            register_json(&check, &View { file: "x", all: true }).unwrap();
        }
    }

    #[test]
    fn what_is_quoted_is_read(
        cells in proptest::collection::vec("[a-zA-Z=+@;,\"' -]{0,12}[b-w1-8]", 1..20),
    ) {
        let mut text = String::new();
        csv_record(&mut text, ["Asset", "Model"]);
        for cell in &cells {
            csv_record(&mut text, ["A1", cell.as_str()]);
        }
        let register = table(&text);
        prop_assert_eq!(register.rows.len(), cells.len());
        for (row, cell) in register.rows.iter().zip(&cells) {
            let read = row.model.clone().unwrap_or_default();
            let bare = cell.trim();
            let bare = bare.strip_prefix('\'').unwrap_or(bare).trim();
            let says_none = read.is_empty();
            prop_assert!(says_none || read == bare, "{:?} {:?}", read, bare);
        }
    }
}
