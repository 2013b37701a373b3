//! Expressions: what a value is, put together as far as it is known.

use std::rc::Rc;

use super::lex::{Kind, cooked};
use super::scope::Reader;
use super::value::{FOLD, ITEMS, Value};
use crate::behaviour::Sources;

/// What an argument list or an assignment needs of the expression before it.
#[derive(Debug, Default)]
pub(super) struct Callee {
    pub(super) value: Value,
    /// What a method is called on, and its name.
    pub(super) receiver: Option<Value>,
    pub(super) name: String,
    /// A bare name, which may be declared further down.
    pub(super) bare: Option<Rc<str>>,
    /// Whether the last step was a computed name that did not fold.
    pub(super) computed: Option<Sources>,
    pub(super) start: usize,
}

impl Reader<'_> {
    /// One or more, with commas: the last one counts.
    pub(super) fn expression(&mut self) -> Value {
        let mut value = self.assignment();
        while self.take(",") {
            value = self.assignment();
        }
        value
    }

    /// One expression without commas.
    pub(super) fn assignment(&mut self) -> Value {
        if !self.deeper() {
            return Value::from(Sources::UNKNOWN);
        }
        let value = self.assignment_here();
        self.depth -= 1;
        value
    }

    fn assignment_here(&mut self) -> Value {
        if self.arrow_ahead() {
            return self.arrow();
        }
        let start = self.at;
        let mut target = Callee::default();
        let mut value = self.binary(&mut target);
        while self.is("?") {
            self.bump();
            let yes = self.assignment();
            self.take(":");
            let no = if self.arrow_ahead() { self.arrow() } else { self.binary(&mut Callee::default()) };
            value = either(yes, no);
        }
        let operator = self.text();
        let assigns = self.kind() == Kind::Mark
            && matches!(
                operator,
                "=" | "+=" | "||=" | "??=" | "&&=" | "-=" | "*=" | "/=" | "|=" | "^=" | "<<=" | ">>="
            );
        if !assigns {
            return value;
        }
        self.bump();
        let hint = if target.name.is_empty() {
            target.bare.as_deref().unwrap_or_default().to_owned()
        } else {
            target.name.clone()
        };
        let right = self.hinted(&hint);
        let whole = if operator == "+=" { value.join(&right) } else { right };
        self.assigned(&target, &whole, start);
        whole
    }

    fn assigned(&mut self, target: &Callee, value: &Value, start: usize) {
        if let Some(name) = &target.bare {
            self.assign(name, value.clone());
            return;
        }
        let variable = target.receiver.as_ref().filter(|value| value.named() == "process.env");
        let path = match variable {
            Some(_) => format!("process.env.{}", target.name),
            None => target.value.named().to_owned(),
        };
        if let Some(unit) = value.unit
            && (path == "module.exports" || path == "exports.default")
        {
            "module.exports".clone_into(&mut self.units[unit].name);
        }
        if let Some(receiver) = &target.receiver
            && let Some(name) = receiver.named().strip_prefix('#').map(str::to_owned)
            && let Some(mut object) = self.lookup(&name).cloned()
        {
            // What is put into a part is in the whole.
            object.from = object.from.with(value.from.without(Sources::LITERAL));
            if let Some(items) = &mut object.items
                && items.len() < ITEMS
            {
                Rc::make_mut(items).push((target.name.as_str().into(), value.clone()));
            }
            self.assign(&name, object);
        }
        self.assigned_global(&path, value, start);
    }

    /// Operators in a row, without precedence: only joining texts and where things come from matter.
    fn binary(&mut self, target: &mut Callee) -> Value {
        let mut value = self.unary(target);
        loop {
            let operator = self.text();
            match (self.kind(), operator) {
                (Kind::Mark, "+") => {
                    self.bump();
                    let right = self.unary(&mut Callee::default());
                    value = value.join(&right);
                }
                (Kind::Mark, "||" | "??" | "&&") => {
                    self.bump();
                    let right = self.unary(&mut Callee::default());
                    value = if operator == "&&" {
                        right.clone().taint(value.from.without(Sources::LITERAL))
                    } else {
                        either(value, right)
                    };
                }
                (Kind::Mark, "==" | "===" | "!=" | "!==" | "<" | ">" | "<=" | ">=")
                | (Kind::Name, "in" | "instanceof") => {
                    self.bump();
                    self.unary(&mut Callee::default());
                    value = Value::default();
                }
                (Kind::Mark, "-" | "*" | "/" | "%" | "&" | "|" | "^" | "<<" | ">>" | ">>>" | "**") => {
                    self.bump();
                    let right = self.unary(&mut Callee::default());
                    value = arithmetic(operator, &value, &right);
                }
                (Kind::Name, "as" | "satisfies") => {
                    self.bump();
                    while self.kind() == Kind::Name || self.is(".") {
                        self.bump();
                    }
                }
                _ => return value,
            }
            *target = Callee::default();
        }
    }

    fn unary(&mut self, target: &mut Callee) -> Value {
        let (mut negative, mut blank) = (false, false);
        loop {
            match (self.kind(), self.text()) {
                (Kind::Mark, "-") => negative = true,
                (Kind::Mark, "!" | "~" | "+" | "++" | "--") | (Kind::Name, "typeof" | "void" | "delete") => {
                    blank = true
                }
                (Kind::Mark, "...") | (Kind::Name, "await" | "yield") => {}
                _ => break,
            }
            self.bump();
            if self.arrow_ahead() {
                return self.arrow();
            }
        }
        let mut value = self.postfix(target);
        if negative {
            value.number = value.number.map(|number| -number);
        }
        if blank { Value { number: value.number, ..Value::default() } } else { value }
    }

    fn postfix(&mut self, target: &mut Callee) -> Value {
        let start = self.at;
        let new = self.is("new") && !self.is_at(self.at + 1, ".");
        if new {
            self.bump();
        }
        let mut here = Callee { start, ..Callee::default() };
        if self.kind() == Kind::Name {
            here.bare = Some(self.text().into());
        }
        here.value = self.primary();
        let mut constructs = new;
        loop {
            match (self.kind(), self.text()) {
                (Kind::Mark, "." | "?.") => {
                    self.bump();
                    if self.is("(") || self.is("[") {
                        continue;
                    }
                    let name = self.text();
                    if self.kind() != Kind::Name {
                        break;
                    }
                    let value = self.member(&here.value, name);
                    self.bump();
                    here =
                        Callee { receiver: Some(here.value), name: name.to_owned(), value, start, ..Callee::default() };
                }
                (Kind::Mark, "[") => {
                    self.bump();
                    let key = if self.is("]") { Value::default() } else { self.expression() };
                    self.take("]");
                    here = self.computed(here.value, &key, start);
                }
                (Kind::Mark, "(") => {
                    let value = self.call(&here, constructs);
                    constructs = false;
                    here = Callee { value, start, ..Callee::default() };
                }
                (Kind::Whole | Kind::Head, _) => {
                    let text = self.template();
                    let value = self.tagged(&here, &text);
                    here = Callee { value, start, ..Callee::default() };
                }
                (Kind::Mark, "!")
                    if self.is_at(self.at + 1, ".") || self.is_at(self.at + 1, ")") || self.is_at(self.at + 1, "[") =>
                {
                    self.bump()
                }
                (Kind::Mark, "++" | "--") => self.bump(),
                _ => break,
            }
        }
        if constructs {
            let value = self.constructed(&here);
            here.value = value;
        }
        let value = here.value.clone();
        *target = here;
        value
    }

    fn computed(&mut self, object: Value, key: &Value, start: usize) -> Callee {
        if let Some(number) = key.number
            && let Some((_, item)) = object.items.as_ref().and_then(|items| items.get(number as usize))
        {
            return Callee { value: item.clone(), start, ..Callee::default() };
        }
        if let Some(name) = key.known() {
            let name = name.to_owned();
            let value = self.member(&object, &name).taint(key.from.without(Sources::LITERAL));
            return Callee { receiver: Some(object), name, value, start, ..Callee::default() };
        }
        let mut value = Value::from(object.from.with(key.from).without(Sources::LITERAL));
        // One of an object's functions, whichever.
        value.path = object.path.as_ref().filter(|path| path.starts_with('#')).map(|path| format!("{path}.").into());
        if object.named() == "process.env" {
            value.from = Sources::NONE;
        }
        Callee { receiver: Some(object), value, computed: Some(key.from), start, ..Callee::default() }
    }

    fn primary(&mut self) -> Value {
        match self.kind() {
            Kind::Text => {
                let raw = self.text();
                let inner = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
                let text = if inner.contains('\\') { cooked(inner, FOLD * 16) } else { inner.to_owned() };
                self.literal(&text);
                self.bump();
                // A text of mostly escapes says something else than it shows.
                let hidden = inner.len() > 40 && inner.matches("\\x").count() * 8 > inner.len();
                Value::text(text).taint(if hidden { Sources::BUILT } else { Sources::NONE })
            }
            Kind::Whole | Kind::Head => self.template(),
            Kind::Number => {
                let number = number(self.text());
                self.bump();
                Value { number, from: Sources::LITERAL, ..Value::default() }
            }
            Kind::Name => self.name(),
            Kind::Mark => match self.text() {
                "(" => {
                    self.bump();
                    let value = if self.is(")") { Value::default() } else { self.expression() };
                    self.skip_type();
                    self.take(")");
                    value
                }
                "[" => self.array(),
                "{" => self.object(),
                _ => {
                    if !self.closes() && !self.is(",") && !self.is(";") && !self.is("=") && !self.is("=>") {
                        self.bump();
                    }
                    Value::default()
                }
            },
            Kind::Regex => {
                self.bump();
                Value::default()
            }
            Kind::Middle | Kind::Tail | Kind::End => Value::default(),
        }
    }

    fn name(&mut self) -> Value {
        let name = self.text();
        match name {
            "function" => return self.function_expression(),
            "async" if self.is_at(self.at + 1, "function") => {
                self.bump();
                return self.function_expression();
            }
            "class" => return self.class(),
            "import" => {
                self.bump();
                return Value::path("import");
            }
            "return" | "var" | "let" | "const" | "if" | "else" | "for" | "while" | "case" | "throw" | "try"
                if !self.is_at(self.at + 1, ".") =>
            {
                // A statement where a value should be: something was not understood.
                self.bump();
                return Value::default();
            }
            _ => {}
        }
        self.bump();
        if let Some(value) = self.lookup(name) {
            let mut value = value.clone();
            if value.path.is_none() && (value.items.is_some() && !value.list) {
                value.path = Some(format!("#{name}").into());
            }
            return value;
        }
        self.global(name)
    }

    fn template(&mut self) -> Value {
        let piece = |raw: &str| {
            let raw = raw.trim_start_matches(['`', '}']);
            let raw = raw.strip_suffix("${").or_else(|| raw.strip_suffix('`')).unwrap_or(raw);
            Value::text(cooked(raw, FOLD * 16))
        };
        let mut value = piece(self.text());
        let whole = self.kind() == Kind::Whole;
        self.bump();
        if whole {
            return value;
        }
        loop {
            let inner = if self.closes() { Value::default() } else { self.expression() };
            value = value.join(&inner);
            while !matches!(self.kind(), Kind::Middle | Kind::Tail | Kind::End) {
                if self.closes() {
                    return value;
                }
                self.bump();
            }
            let last = self.kind() != Kind::Middle;
            if self.kind() != Kind::End {
                value = value.join(&piece(self.text()));
                self.bump();
            }
            if last {
                return value;
            }
        }
    }

    fn array(&mut self) -> Value {
        self.bump();
        let mut items: Vec<(Rc<str>, Value)> = Vec::new();
        let mut from = Sources::NONE;
        while !self.closes() {
            let before = self.at;
            if !self.is(",") {
                let value = self.assignment();
                from = from.with(value.from.without(Sources::LITERAL));
                if items.len() < ITEMS {
                    items.push(("".into(), value));
                }
            }
            self.take(",");
            if self.at == before {
                self.bump();
            }
        }
        self.take("]");
        Value { items: Some(items.into()), list: true, from, ..Value::default() }
    }

    fn object(&mut self) -> Value {
        self.bump();
        let owner = self.owner.clone();
        let mut items: Vec<(Rc<str>, Value)> = Vec::new();
        let mut from = Sources::NONE;
        while !self.closes() {
            let before = self.at;
            if self.take("...") {
                let value = self.assignment();
                from = from.with(value.all_from().without(Sources::LITERAL));
            } else if let Some((key, value)) = self.property(&owner) {
                from = from.with(value.from.without(Sources::LITERAL));
                if items.len() < ITEMS {
                    items.push((key, value));
                }
            }
            self.take(",");
            if self.at == before {
                self.bump();
            }
        }
        self.take("}");
        let path = (!owner.is_empty() && owner != "default").then(|| format!("#{owner}").into());
        Value { items: Some(items.into()), path, from, ..Value::default() }
    }

    /// One part of an object: `key: value`, `key`, `[key]: value`, a method.
    fn property(&mut self, owner: &str) -> Option<(Rc<str>, Value)> {
        while (self.is("async") || self.is("get") || self.is("set") || self.is("*"))
            && !matches!(self.text_at(self.at + 1), "(" | ":" | ",")
        {
            self.bump();
        }
        let bare = self.kind() == Kind::Name;
        let key: Rc<str> = if self.is("[") {
            self.bump();
            let key = self.expression();
            self.take("]");
            key.shown().into()
        } else {
            let key = self.text().trim_matches(['"', '\'']);
            if self.closes() || self.is(",") {
                return None;
            }
            let key = key.into();
            self.bump();
            key
        };
        let named = if owner.is_empty() || owner == "exports" || owner == "default" {
            key.to_string()
        } else {
            format!("{owner}.{key}")
        };
        if self.is("(") {
            let value = self.function(&named, false);
            return Some((key, value));
        }
        if self.take(":") {
            let value = self.hinted(&named);
            return Some((key, value));
        }
        let value =
            if bare { self.lookup(&key).cloned().unwrap_or_else(|| self.global(&key)) } else { Value::default() };
        if self.take("=") {
            self.assignment();
        }
        Some((key, value))
    }
}

/// One of two, as far as one of them says something.
pub(super) fn either(left: Value, right: Value) -> Value {
    let from = left.from.with(right.from);
    let left_says = left.path.is_some() || left.text.is_some() || left.unit.is_some() || left.items.is_some();
    if left_says { left.taint(from) } else { right.taint(from) }
}

fn arithmetic(operator: &str, left: &Value, right: &Value) -> Value {
    let from = left.from.with(right.from);
    let number = left.number.zip(right.number).and_then(|(left, right)| match operator {
        "-" => Some(left - right),
        "*" => Some(left * right),
        "/" if right != 0.0 => Some(left / right),
        "%" if right != 0.0 => Some(left % right),
        "^" => Some(f64::from(left as i32 ^ right as i32)),
        _ => None,
    });
    Value { number, from, ..Value::default() }
}

pub(super) fn number(text: &str) -> Option<f64> {
    let text = text.trim_end_matches('n').replace('_', "");
    let radix = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().map(f64::from);
    match text.get(..2) {
        Some("0x" | "0X") => radix(&text[2..], 16),
        Some("0b" | "0B") => radix(&text[2..], 2),
        Some("0o" | "0O") => radix(&text[2..], 8),
        _ => text.parse().ok(),
    }
}
