//! Tricks that let a person read another text than a program does.

/// Blanks in a row after which nobody looks further to the right.
const FAR: usize = 160;

/// What keeps a line from being what it looks like, if anything does.
pub(super) fn of(line: &str) -> Option<&'static str> {
    let mut blanks = 0;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        blanks = if matches!(c, ' ' | '\t') { blanks + if c == '\t' { 8 } else { 1 } } else { 0 };
        match c {
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}' => {
                return Some("a mark that changes the direction of the text stands on its line");
            }
            c if is_invisible(c) => return Some("an invisible character stands on its line"),
            // The end of a line of Windows.
            '\r' if chars.peek().is_none() => {}
            '\t' => {}
            c if c.is_control() => return Some("a control character stands on its line, which a terminal obeys"),
            _ if blanks > FAR && chars.peek().is_some() => {
                return Some("so many blanks stand on its line that it is out of sight");
            }
            _ => {}
        }
    }
    None
}

fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180e}'
            | '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}'
    )
}

/// The text as it looks: letters that are drawn like Latin ones (Unicode's confusables, those for the letters
/// of our marks) as these, what is invisible left out.
pub(super) fn unmasked(line: &str) -> String {
    line.chars()
        .filter(|c| {
            !is_invisible(*c)
                && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
        })
        .map(latin)
        .collect()
}

fn latin(c: char) -> char {
    let code = u32::from(c);
    match c {
        // Full-width forms.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(code - 0xfee0).unwrap_or(c),
        // Mathematical letters come in alphabets of 52.
        '\u{1d400}'..='\u{1d6a3}' => {
            let at = ((code - 0x1d400) % 52) as u8;
            char::from(if at < 26 { b'a' + at } else { b'a' + at - 26 })
        }
        'а' | 'ɑ' | 'α' | 'à' | 'á' | 'ạ' => 'a',
        'е' | 'є' | 'ҽ' | 'é' | 'è' | 'ẹ' | '℮' => 'e',
        'о' | 'ο' | 'օ' | 'ȯ' | 'ọ' => 'o',
        'р' | 'ρ' => 'p',
        'с' | 'ϲ' => 'c',
        'у' | 'ү' | 'γ' => 'y',
        'х' | 'χ' => 'x',
        'ѕ' | 'ꜱ' => 's',
        'і' | 'ι' | 'ı' | 'ӏ' | 'ǀ' => {
            if matches!(c, 'ӏ' | 'ǀ') {
                'l'
            } else {
                'i'
            }
        }
        'ɡ' | 'ց' => 'g',
        'һ' => 'h',
        'ԝ' | 'ѡ' | 'ω' => 'w',
        'к' | 'κ' => 'k',
        'ո' => 'n',
        'т' | 'τ' => 't',
        'ⅼ' => 'l',
        'ⅾ' | 'ԁ' => 'd',
        '։' | '׃' | 'ː' | '˸' | '꞉' | '∶' => ':',
        '‐' | '‑' | '‒' | '–' | '−' => '-',
        _ => c,
    }
}
