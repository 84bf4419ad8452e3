//! Text to expressions.
//!
//! ```text
//! statement   let x = e | mut x = e | place = e | e          ends with `;` or a line end
//! e           if c then a else b | (x, y) => e | x => e | a or b | a and b | not a | a < b | a + b ...
//! primary     1.5 | 2i | "text" | true | false | null | name | [a, b] | {a: 1, mut n: 0} | {s; s; e} | (e)
//!             and after it: f(a, b) | r.field | v[i]
//! ```

use std::rc::Rc;

/// An expression.
pub(crate) enum Expr {
    Null,
    Boolean(bool),
    Number(f64),
    Imaginary(f64),
    Text(Rc<str>),
    Name(Rc<str>),
    Vector(Vec<Expr>),
    /// Name, whether it can be assigned to, value.
    Record(Vec<(Rc<str>, bool, Expr)>),
    Lambda {
        parameters: Vec<Rc<str>>,
        body: Rc<Expr>,
        source: Rc<str>,
    },
    Call(Box<Expr>, Vec<Expr>),
    Field(Box<Expr>, Rc<str>),
    Index(Box<Expr>, Box<Expr>),
    Unary(&'static str, Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    Block(Vec<Statement>),
}

/// A statement.
pub(crate) enum Statement {
    Let {
        name: Rc<str>,
        mutable: bool,
        value: Expr,
    },
    Assign(Expr, Expr),
    Expr(Expr),
}

/// The statements of a program.
pub(crate) fn program(text: &str) -> Result<Vec<Statement>, String> {
    let mut parser = Parser::new(text)?;
    let statements = parser.statements()?;
    match parser.peek() {
        Token::End => Ok(statements),
        other => Err(format!("unexpected {}", other.show())),
    }
}

/// The body of a function, as it was saved.
pub(crate) fn body(text: &str) -> Result<Rc<Expr>, String> {
    let mut parser = Parser::new(text)?;
    let expr = parser.expr()?;
    match parser.peek() {
        Token::End => Ok(Rc::new(expr)),
        other => Err(format!("unexpected {}", other.show())),
    }
}

#[derive(Clone, PartialEq)]
enum Token {
    Number(f64),
    Imaginary(f64),
    Text(Rc<str>),
    Name(Rc<str>),
    Symbol(&'static str),
    LineEnd,
    End,
}

impl Token {
    fn show(&self) -> String {
        match self {
            Token::Number(number) => number.to_string(),
            Token::Imaginary(number) => format!("{number}i"),
            Token::Text(text) => format!("{text:?}"),
            Token::Name(name) => format!("`{name}`"),
            Token::Symbol(symbol) => format!("`{symbol}`"),
            Token::LineEnd => "the end of the line".to_owned(),
            Token::End => "the end".to_owned(),
        }
    }
}

const SYMBOLS: [&str; 24] = [
    "=>", "==", "!=", "<=", ">=", "(", ")", "[", "]", "{", "}", ",", ":", ";", ".", "+", "-", "*",
    "/", "^", "<", ">", "=", "%",
];
const WORDS: [&str; 10] = [
    "let", "mut", "if", "then", "else", "and", "or", "not", "true", "false",
];
/// Levels of nesting: the parser calls itself for each.
const MAX_DEPTH: usize = 100;
/// Operators, calls and fields of one statement.
const MAX_LINKS: usize = 2000;

struct Parser<'t> {
    text: &'t str,
    /// Tokens, and where each begins and ends.
    tokens: Vec<(Token, usize, usize)>,
    at: usize,
    depth: usize,
    links: usize,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Result<Parser<'t>, String> {
        Ok(Parser {
            text,
            tokens: tokens(text)?,
            at: 0,
            depth: 0,
            links: 0,
        })
    }

    fn peek(&self) -> &Token {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> &Token {
        self.tokens
            .get(self.at + ahead)
            .map_or(&Token::End, |(token, ..)| token)
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn is(&self, symbol: &'static str) -> bool {
        *self.peek() == Token::Symbol(symbol)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Name(name) if **name == *word)
    }

    fn take(&mut self, symbol: &'static str) -> bool {
        let is = self.is(symbol);
        self.at += usize::from(is);
        is
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is = self.is_word(word);
        self.at += usize::from(is);
        is
    }

    fn expect(&mut self, symbol: &'static str) -> Result<(), String> {
        match self.take(symbol) {
            true => Ok(()),
            false => Err(format!("expected `{symbol}`, found {}", self.peek().show())),
        }
    }

    fn expect_word(&mut self, word: &str) -> Result<(), String> {
        self.skip_lines();
        match self.take_word(word) {
            true => Ok(()),
            false => Err(format!("expected `{word}`, found {}", self.peek().show())),
        }
    }

    fn name(&mut self) -> Result<Rc<str>, String> {
        match self.next() {
            Token::Name(name) if !WORDS.contains(&&*name) => Ok(name),
            other => Err(format!("expected a name, found {}", other.show())),
        }
    }

    fn skip_lines(&mut self) {
        while *self.peek() == Token::LineEnd {
            self.at += 1;
        }
    }

    fn statements(&mut self) -> Result<Vec<Statement>, String> {
        let mut statements = Vec::new();
        loop {
            while matches!(self.peek(), Token::LineEnd | Token::Symbol(";")) {
                self.at += 1;
            }
            if matches!(self.peek(), Token::End | Token::Symbol("}")) {
                return Ok(statements);
            }
            self.links = if self.depth == 0 { 0 } else { self.links };
            statements.push(self.statement()?);
            if !matches!(
                self.peek(),
                Token::LineEnd | Token::End | Token::Symbol(";" | "}")
            ) {
                return Err(format!("unexpected {}", self.peek().show()));
            }
        }
    }

    fn statement(&mut self) -> Result<Statement, String> {
        let mutable = self.is_word("mut");
        if mutable || self.is_word("let") {
            self.at += 1;
            let name = self.name()?;
            self.expect("=")?;
            let value = self.expr()?;
            return Ok(Statement::Let {
                name,
                mutable,
                value,
            });
        }
        let expr = self.expr()?;
        if !self.take("=") {
            return Ok(Statement::Expr(expr));
        }
        match expr {
            Expr::Name(_) | Expr::Field(..) => Ok(Statement::Assign(expr, self.expr()?)),
            _ => Err("only a variable or a field can be assigned to".to_owned()),
        }
    }

    fn expr(&mut self) -> Result<Expr, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH} levels"));
        }
        self.skip_lines();
        let expr = if self.take_word("if") {
            let condition = self.expr()?;
            self.expect_word("then")?;
            let yes = self.expr()?;
            self.expect_word("else")?;
            Expr::If(Box::new(condition), Box::new(yes), Box::new(self.expr()?))
        } else {
            match self.parameters()? {
                Some(parameters) => self.lambda(parameters)?,
                None => self.binary(0)?,
            }
        };
        self.depth -= 1;
        Ok(expr)
    }

    /// Parameters and arrow, when a function stands here.
    fn parameters(&mut self) -> Result<Option<Vec<Rc<str>>>, String> {
        if let (Token::Name(name), Token::Symbol("=>")) = (self.peek(), self.peek_at(1)) {
            let name = Rc::clone(name);
            self.at += 2;
            return Ok(Some(vec![name]));
        }
        let mut ahead = 1;
        if !self.is("(") {
            return Ok(None);
        }
        while matches!(self.peek_at(ahead), Token::Name(_) | Token::Symbol(",")) {
            ahead += 1;
        }
        if *self.peek_at(ahead) != Token::Symbol(")")
            || *self.peek_at(ahead + 1) != Token::Symbol("=>")
        {
            return Ok(None);
        }
        self.at += 1;
        let mut parameters = Vec::new();
        while !self.take(")") {
            parameters.push(self.name()?);
            if !self.is(")") {
                self.expect(",")?;
            }
        }
        self.at += 1;
        Ok(Some(parameters))
    }

    /// The body of a function: its text is kept, since text is what is saved.
    fn lambda(&mut self, parameters: Vec<Rc<str>>) -> Result<Expr, String> {
        self.skip_lines();
        let first = self.at;
        let body = Rc::new(self.expr()?);
        let (_, start, _) = self.tokens[first];
        let (_, _, end) = self.tokens[self.at - 1];
        Ok(Expr::Lambda {
            parameters,
            body,
            source: self.text[start..end].into(),
        })
    }

    fn binary(&mut self, level: usize) -> Result<Expr, String> {
        const LEVELS: [&[&str]; 5] = [
            &["or"],
            &["and"],
            &["==", "!=", "<=", ">=", "<", ">"],
            &["+", "-"],
            &["*", "/", "%"],
        ];
        let Some(operators) = LEVELS.get(level) else {
            return self.unary();
        };
        let mut left = self.binary(level + 1)?;
        loop {
            let operator = operators.iter().find(|operator| match self.peek() {
                Token::Symbol(symbol) => symbol == *operator,
                Token::Name(name) => **name == ***operator,
                _ => false,
            });
            let Some(operator) = operator else {
                return Ok(left);
            };
            self.link()?;
            self.at += 1;
            self.skip_lines();
            let right = self.binary(level + 1)?;
            left = Expr::Binary(operator, Box::new(left), Box::new(right));
        }
    }

    /// Counts a link of a chain such as `a + b + c` or `f(x)(y)`: each is a level of the tree too.
    fn link(&mut self) -> Result<(), String> {
        self.links += 1;
        match self.links > MAX_LINKS {
            true => Err(format!("more than {MAX_LINKS} operators in one statement")),
            false => Ok(()),
        }
    }

    fn unary(&mut self) -> Result<Expr, String> {
        let operator = match () {
            () if self.take("-") => "-",
            () if self.take_word("not") => "not",
            () => {
                let base = self.postfix()?;
                return Ok(match self.take("^") {
                    true => Expr::Binary("^", Box::new(base), Box::new(self.unary()?)),
                    false => base,
                });
            }
        };
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH} levels"));
        }
        let operand = self.unary()?;
        self.depth -= 1;
        Ok(Expr::Unary(operator, Box::new(operand)))
    }

    fn postfix(&mut self) -> Result<Expr, String> {
        let mut expr = self.primary()?;
        loop {
            self.link()?;
            expr = if self.take("(") {
                Expr::Call(Box::new(expr), self.list(")")?)
            } else if self.take(".") {
                Expr::Field(Box::new(expr), self.name()?)
            } else if self.take("[") {
                let index = self.expr()?;
                self.expect("]")?;
                Expr::Index(Box::new(expr), Box::new(index))
            } else {
                return Ok(expr);
            };
        }
    }

    fn list(&mut self, end: &'static str) -> Result<Vec<Expr>, String> {
        let mut items = Vec::new();
        loop {
            self.skip_lines();
            if self.take(end) {
                return Ok(items);
            }
            items.push(self.expr()?);
            self.skip_lines();
            if !self.is(end) {
                self.expect(",")?;
            }
        }
    }

    fn primary(&mut self) -> Result<Expr, String> {
        Ok(match self.next() {
            Token::Number(number) => Expr::Number(number),
            Token::Imaginary(number) => Expr::Imaginary(number),
            Token::Text(text) => Expr::Text(text),
            Token::Name(name) => match &*name {
                "true" => Expr::Boolean(true),
                "false" => Expr::Boolean(false),
                "null" => Expr::Null,
                word if WORDS.contains(&word) => return Err(format!("unexpected `{word}`")),
                _ => Expr::Name(name),
            },
            Token::Symbol("[") => Expr::Vector(self.list("]")?),
            Token::Symbol("(") => {
                let expr = self.expr()?;
                self.skip_lines();
                self.expect(")")?;
                expr
            }
            Token::Symbol("{") => self.record_or_block()?,
            other => return Err(format!("unexpected {}", other.show())),
        })
    }

    fn record_or_block(&mut self) -> Result<Expr, String> {
        self.skip_lines();
        let is_field = |ahead| {
            matches!(self.peek_at(ahead), Token::Name(_))
                && *self.peek_at(ahead + 1) == Token::Symbol(":")
        };
        let is_record = self.is("}") || is_field(0) || (self.is_word("mut") && is_field(1));
        if !is_record {
            let statements = self.statements()?;
            self.expect("}")?;
            return Ok(Expr::Block(statements));
        }
        let mut fields = Vec::new();
        loop {
            self.skip_lines();
            if self.take("}") {
                return Ok(Expr::Record(fields));
            }
            let mutable = self.take_word("mut");
            let name = self.name()?;
            self.expect(":")?;
            fields.push((name, mutable, self.expr()?));
            self.skip_lines();
            if !self.is("}") {
                self.expect(",")?;
            }
        }
    }
}

fn tokens(text: &str) -> Result<Vec<(Token, usize, usize)>, String> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let length_of = |wanted: fn(char) -> bool| rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        let (token, len) = match c {
            '\n' => (Token::LineEnd, 1),
            '#' => {
                at += length_of(|c| c != '\n');
                continue;
            }
            c if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            '0'..='9' => number(rest)?,
            c if c.is_alphabetic() || c == '_' => {
                let len = length_of(|c| c.is_alphanumeric() || c == '_');
                (Token::Name(rest[..len].into()), len)
            }
            '"' => {
                let len = rest[1..].find('"').ok_or("a text has no end")?;
                (Token::Text(rest[1..=len].into()), len + 2)
            }
            c => {
                let symbol = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol));
                let symbol = symbol.ok_or_else(|| format!("unexpected {c:?}"))?;
                (Token::Symbol(symbol), symbol.len())
            }
        };
        tokens.push((token, at, at + len));
        at += len;
    }
    Ok(tokens)
}

fn number(rest: &str) -> Result<(Token, usize), String> {
    let mut len = rest
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(rest.len());
    if rest[len..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[len + 1..].starts_with(['-', '+']));
        let digits = &rest[len + 1 + sign..];
        let digits = digits
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(digits.len());
        len += if digits > 0 { 1 + sign + digits } else { 0 };
    }
    let number = rest[..len].parse();
    let number = number.map_err(|_| format!("{} is not a number", &rest[..len]))?;
    let imaginary =
        rest[len..].starts_with('i') && !rest[len + 1..].starts_with(|c: char| c.is_alphanumeric());
    Ok(match imaginary {
        true => (Token::Imaginary(number), len + 1),
        false => (Token::Number(number), len),
    })
}
