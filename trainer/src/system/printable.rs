//! Text of others for a terminal or a page. What a manifest, a server, an archive or a file's name says must
//! not move the cursor, ring, or turn the direction of what stands beside it.

use std::borrow::Cow;

/// The text with its control characters as escapes such as `\u001b`, which JSON takes for the same
/// characters; lines and tabs stay.
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, |letter| {
        is_command(letter) && !"\n\t".contains(letter)
    })
}

/// As [`printable`], on one line.
pub fn printable_line(text: &str) -> Cow<'_, str> {
    escaped(text, is_command)
}

/// Control characters, and those that turn the direction of writing.
fn is_command(letter: char) -> bool {
    let turns = matches!(letter,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || letter.is_control()
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool + Copy) -> Cow<'_, str> {
    if !text.contains(is_escaped) {
        return Cow::Borrowed(text);
    }
    let shown = |letter| match is_escaped(letter) {
        true => format!("\\u{:04x}", u32::from(letter)),
        false => letter.to_string(),
    };
    Cow::Owned(text.chars().map(shown).collect())
}

/// The text inside elements and attributes of HTML.
pub fn html_escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_to_the_terminal_become_escapes_and_all_else_stays() {
        assert_eq!(
            printable("\u{1b}[2J\u{9b}31mé\r"),
            "\\u001b[2J\\u009b31mé\\u000d"
        );
        assert_eq!(printable("\u{202e}gnp.exe"), "\\u202egnp.exe");
        assert!(matches!(printable("façade 日本\n\tx"), Cow::Borrowed(_)));
        assert_eq!(printable_line("a\nerror: b"), "a\\u000aerror: b");
    }
}
