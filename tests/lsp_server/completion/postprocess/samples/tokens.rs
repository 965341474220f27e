//! Splits a line into tokens.

use std::collections::HashMap;
use std::fmt;

#[derive(Debug, Clone, PartialEq)]
pub enum Token<'a> {
    Word(&'a str),
    Number(f64),
    Text(String),
    Open(char),
    Close(char),
}

#[derive(Debug)]
pub struct Unclosed {
    pub at: usize,
    pub quote: char,
}

impl fmt::Display for Unclosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the string at {} has no {}", self.at, self.quote)
    }
}

impl std::error::Error for Unclosed {}

pub struct Lexer<'a> {
    line: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub fn new(line: &'a str) -> Self {
        Self { line, at: 0 }
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let start = self.at;
        for c in self.line[start..].chars() {
            if !wanted(c) {
                break;
            }
            self.at += c.len_utf8();
        }
        &self.line[start..self.at]
    }

    pub fn next_token(&mut self) -> Option<Result<Token<'a>, Unclosed>> {
        self.take_while(char::is_whitespace);
        let first = self.line[self.at..].chars().next()?;
        let token = match first {
            '(' | '[' | '{' => {
                self.at += 1;
                Token::Open(first)
            }
            ')' | ']' | '}' => {
                self.at += 1;
                Token::Close(first)
            }
            '"' | '\'' => {
                let start = self.at;
                self.at += 1;
                let body = self.take_while(|c| c != first).to_string();
                if self.at == self.line.len() {
                    return Some(Err(Unclosed { at: start, quote: first }));
                }
                self.at += 1;
                Token::Text(body)
            }
            c if c.is_ascii_digit() => {
                let digits = self.take_while(|c| c.is_ascii_digit() || c == '.');
                Token::Number(digits.parse().unwrap_or(f64::NAN))
            }
            _ => Token::Word(self.take_while(|c| c.is_alphanumeric() || c == '_')),
        };
        Some(Ok(token))
    }
}

pub fn count_words(lines: &[&str]) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for line in lines {
        let mut lexer = Lexer::new(line);
        while let Some(Ok(token)) = lexer.next_token() {
            if let Token::Word(word) = token {
                *counts.entry(word.to_owned()).or_insert(0) += 1;
            }
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_tokens() {
        let mut lexer = Lexer::new("f(1.5, [x])");
        assert_eq!(lexer.next_token().unwrap().unwrap(), Token::Word("f"));
        assert_eq!(lexer.next_token().unwrap().unwrap(), Token::Open('('));
        assert_eq!(lexer.next_token().unwrap().unwrap(), Token::Number(1.5));
    }

    #[test]
    fn raw_strings_hold_quotes() {
        let counts = count_words(&[r#"say "a b" twice"#, "say it"]);
        assert_eq!(counts["say"], 2);
    }
}
