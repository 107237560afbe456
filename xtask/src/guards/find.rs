//! Finds the guards of a source file, and rewrites it so that each can be switched off.
//!
//! A guard is a condition, or a part of one joined by `||` or `&&`, whose loss lets more through:
//! the condition of an `if` or an arm that leaves, or of an `if` that takes in; what a filter,
//! `then`, a predicate or a closure that is handed on asks; a cap of the severity. What is written
//! as a pattern (`let … else`, an arm without `if`) has no condition to lose.

use std::ops::Range;

use anyhow::{Context as _, Result};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{
    Arm, BinOp, Block, Expr, ExprCall, ExprIf, ExprMethodCall, ImplItemFn, ItemFn, ItemMod,
    LocalInit, Pat, PatGuard, Stmt,
};

/// One guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Guard {
    /// Unique over all files.
    pub(super) number: usize,
    /// The module of the rule.
    pub(super) rule: String,
    pub(super) line: usize,
    /// What is switched off, in one line.
    pub(super) text: String,
}

/// A file with switches in it.
pub(super) struct Rewritten {
    pub(super) text: String,
    pub(super) guards: Vec<Guard>,
}

/// Puts a switch at every guard of a rule's file; numbers begin at `first`.
pub(super) fn rewrite(rule: &str, source: &str, first: usize) -> Result<Rewritten> {
    let file = syn::parse_file(source).with_context(|| format!("cannot parse {rule}"))?;
    let mut finder = Finder {
        rule,
        source,
        first,
        guards: Vec::new(),
        changes: Vec::new(),
    };
    finder.visit_file(&file);
    Ok(Rewritten {
        text: changed(source, finder.changes),
        guards: finder.guards,
    })
}

/// Text that is put before and after a part of the source.
struct Change {
    range: Range<usize>,
    before: String,
    after: &'static str,
}

struct Finder<'a> {
    rule: &'a str,
    source: &'a str,
    first: usize,
    guards: Vec<Guard>,
    changes: Vec<Change>,
}

impl Finder<'_> {
    /// A new guard: its number.
    fn add(&mut self, range: Range<usize>) -> usize {
        let number = self.first + self.guards.len();
        let before = self.source.get(..range.start).unwrap_or_default();
        let text = self.source.get(range).unwrap_or_default();
        self.guards.push(Guard {
            number,
            rule: self.rule.to_owned(),
            line: before.matches('\n').count() + 1,
            text: one_line(text),
        });
        number
    }

    fn put(&mut self, range: Range<usize>, before: String, after: &'static str) {
        self.changes.push(Change {
            range,
            before,
            after,
        });
    }

    /// Conditions of which each keeps something out where it holds.
    fn leaves_where(&mut self, condition: &Expr) {
        for part in parts(condition, |op| matches!(op, BinOp::Or(_))) {
            let range = part.span().byte_range();
            let number = self.add(range.clone());
            self.put(range, format!("crate::guards::acts({number}, "), ")");
        }
    }

    /// Conditions of which each keeps something out where it does not hold.
    fn keeps_where(&mut self, condition: &Expr) {
        for part in parts(condition, |op| matches!(op, BinOp::And(_))) {
            let range = part.span().byte_range();
            let number = self.add(range.clone());
            self.put(range, format!("crate::guards::keeps({number}, "), ")");
        }
    }

    /// A condition that binds names cannot be an argument: the switch stands before it.
    fn leaves_by_pattern(&mut self, condition: &Expr, then: &Block) {
        let range = condition.span().byte_range();
        let number = self.add(range.clone());
        let switch = format!("!crate::guards::is_off({number}) && ");
        self.put(range, switch, "");
        let brace = then.brace_token.span.open().byte_range().end;
        let seen = format!(" crate::guards::acted({number});");
        self.put(brace..brace, seen, "");
    }

    /// The argument of a filter.
    fn filter(&mut self, argument: &Expr) {
        match argument {
            Expr::Closure(closure) => self.keeps_where(tail(&closure.body)),
            named => {
                let range = named.span().byte_range();
                let number = self.add(range.clone());
                let before = format!("|it| crate::guards::keeps({number}, (");
                self.put(range, before, ")(it))");
            }
        }
    }

    /// A closure with a name, or given to a function: what is asked of each of many.
    fn closure(&mut self, expression: &Expr) {
        if let Expr::Closure(closure) = expression
            && is_and(tail(&closure.body))
        {
            self.keeps_where(tail(&closure.body));
        }
    }

    /// A function's answer, when several conditions make it.
    fn answer(&mut self, output: &syn::ReturnType, block: &Block) {
        let is_bool = matches!(output, syn::ReturnType::Type(_, kind)
            if matches!(&**kind, syn::Type::Path(path) if path.path.is_ident("bool")));
        if let (true, Some(Stmt::Expr(last, None))) = (is_bool, block.stmts.last())
            && is_and(last)
        {
            self.keeps_where(last);
        }
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        let is_test = module.attrs.iter().any(|attribute| {
            attribute.path().is_ident("cfg")
                && attribute
                    .parse_args::<syn::Ident>()
                    .is_ok_and(|word| word == "test")
        });
        if !is_test {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.answer(&function.sig.output, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.answer(&function.sig.output, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_expr_if(&mut self, node: &'ast ExprIf) {
        let (condition, then) = (&node.cond, &node.then_branch);
        match (node.else_branch.is_none(), has_pattern(condition)) {
            (true, true) if leaves(then) => self.leaves_by_pattern(condition, then),
            (true, false) if leaves(then) => self.leaves_where(condition),
            (true, false) if !only_tells(then) => self.keeps_where(condition),
            _ => {}
        }
        visit::visit_expr_if(self, node);
    }

    fn visit_arm(&mut self, arm: &'ast Arm) {
        if let Pat::Guard(PatGuard { guard, .. }) = &arm.pat
            && !has_pattern(guard)
            && goes_away(&arm.body)
        {
            self.leaves_where(guard);
        }
        visit::visit_arm(self, arm);
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        call.args.iter().for_each(|argument| self.closure(argument));
        visit::visit_expr_call(self, call);
    }

    fn visit_local_init(&mut self, init: &'ast LocalInit) {
        self.closure(&init.expr);
        visit::visit_local_init(self, init);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        let name = call.method.to_string();
        match (name.as_str(), call.args.first()) {
            ("filter" | "retain", Some(argument)) => self.filter(argument),
            ("then" | "then_some", Some(_)) => self.keeps_where(&call.receiver),
            ("cap" | "cap_by_confidence" | "cap_by_loss" | "cap_by_network", Some(_)) => {
                let range = call.span().byte_range();
                let number = self.add(range.clone());
                let before = format!("if crate::guards::acts({number}, true) {{ ");
                self.put(range, before, " }");
            }
            _ => {}
        }
        visit::visit_expr_method_call(self, call);
    }
}

/// The operands of a condition; itself when nothing joins several.
fn parts(condition: &Expr, joins: fn(&BinOp) -> bool) -> Vec<&Expr> {
    match condition {
        Expr::Binary(both) if joins(&both.op) => {
            let mut all = parts(&both.left, joins);
            all.extend(parts(&both.right, joins));
            all
        }
        Expr::Paren(inner) => parts(&inner.expr, joins),
        one => vec![one],
    }
}

fn is_and(expression: &Expr) -> bool {
    matches!(expression, Expr::Binary(both) if matches!(both.op, BinOp::And(_)))
}

fn has_pattern(condition: &Expr) -> bool {
    match condition {
        Expr::Let(_) => true,
        Expr::Binary(both) => has_pattern(&both.left) || has_pattern(&both.right),
        _ => false,
    }
}

/// What a closure answers.
fn tail(body: &Expr) -> &Expr {
    match body {
        Expr::Block(block) => match block.block.stmts.last() {
            Some(Stmt::Expr(last, None)) => last,
            _ => body,
        },
        _ => body,
    }
}

/// Whether whoever comes into a block goes away at its end.
fn leaves(block: &Block) -> bool {
    matches!(block.stmts.last(), Some(Stmt::Expr(last, _)) if goes_away(last))
}

/// Whether a block changes words or a severity alone: what is found does not hang on it, or is
/// less grave by it.
fn only_tells(block: &Block) -> bool {
    block.stmts.iter().all(|statement| match statement {
        Stmt::Expr(Expr::Assign(assign), _) => matches!(*assign.left, Expr::Path(_)),
        Stmt::Expr(Expr::MethodCall(call), _) => {
            let name = call.method.to_string();
            name.starts_with("cap") || ["note", "raise", "push_str"].contains(&name.as_str())
        }
        _ => false,
    })
}

fn goes_away(expression: &Expr) -> bool {
    matches!(
        expression,
        Expr::Return(_) | Expr::Continue(_) | Expr::Break(_)
    )
}

fn one_line(text: &str) -> String {
    // A string that goes on in the next line loses its backslash with the indent.
    let words: Vec<&str> = text.split_whitespace().filter(|w| *w != "\\").collect();
    words.join(" ")
}

/// The source with all changes in it. What encloses another stands outside of it.
fn changed(source: &str, changes: Vec<Change>) -> String {
    // At one place: what ends there from the inside out, then what begins from the outside in.
    let mut pieces: Vec<(usize, bool, usize, String)> = Vec::new();
    for Change {
        range,
        before,
        after,
    } in changes
    {
        let length = range.end - range.start;
        pieces.push((range.start, true, usize::MAX - length, before));
        pieces.push((range.end, false, length, after.to_owned()));
    }
    pieces.sort_by_key(|(at, begins, order, _)| (*at, *begins, *order));
    let mut text = String::new();
    let mut done = 0;
    for (at, _, _, piece) in pieces {
        text.push_str(source.get(done..at).unwrap_or_default());
        text.push_str(&piece);
        done = at;
    }
    text.push_str(source.get(done..).unwrap_or_default());
    text
}

#[cfg(test)]
mod tests {
    use super::rewrite;

    fn texts(source: &str) -> Vec<String> {
        let found = rewrite("rule", source, 1).unwrap();
        syn::parse_file(&found.text).unwrap();
        found.guards.into_iter().map(|guard| guard.text).collect()
    }

    #[test]
    fn conditions_that_leave_are_found_part_by_part() {
        let source = "fn f() { for a in b { if a || b && c { continue; } if d && e { f(); } } }";
        assert_eq!(texts(source), ["a", "b && c", "d", "e"]);
        let source = "fn f() { if a { draft = draft.seen(b); } if c { grade.note(d); } }";
        assert_eq!(texts(source), [""; 0]);
        assert_eq!(texts("fn f() { if a { return 1; } else { b() } }"), [""; 0]);
        let source = "fn f() { if let Some(a) = b && a { return; } }";
        assert_eq!(texts(source), ["let Some(a) = b && a"]);
    }

    #[test]
    fn filters_caps_and_answers_are_found() {
        let source =
            "fn f() { a.filter(|a| { let b = a; b && !a }).filter(is_own).retain(|a| *a); }";
        assert_eq!(texts(source), ["*a", "is_own", "b", "!a"]);
        let source = "fn f() { match a { 1 => grade.cap(b, c), _ => {} } d.cap(&mut grade, e); }";
        assert_eq!(texts(source), ["grade.cap(b, c)", "d.cap(&mut grade, e)"]);
        assert_eq!(texts("fn f() -> bool { a && (b || c) }"), ["a", "b || c"]);
        assert_eq!(texts("fn f() { (a && b).then(|| c) }"), ["a", "b"]);
    }

    #[test]
    fn arms_that_leave_are_found() {
        let source = "fn f() { match a { 1 if b => return None, 2 if c => d, _ => e } }";
        assert_eq!(texts(source), ["b"]);
    }

    #[test]
    fn tests_are_left_alone() {
        assert_eq!(
            texts("#[cfg(test)] mod t { fn f() { if a { return; } } }"),
            [""; 0]
        );
    }

    #[test]
    fn what_lies_within_another_stays_within() {
        let source = "fn f() { if a.filter(|é| é.b).is_some() { return; } }";
        let found = rewrite("rule", source, 7).unwrap();
        assert_eq!(
            found.text,
            "fn f() { if crate::guards::acts(7, a.filter(|é| crate::guards::keeps(8, é.b))\
             .is_some()) { return; } }"
        );
    }
}
