//! The committed numbers, and how a run compares with them.

use std::fmt::Write as _;

/// Percent above the accepted number that are no error yet. Runs of one program differ by 0.03 at most,
/// with small hash tables, which are seeded by chance, by 3; but a change elsewhere that makes the
/// compiler cut or inline differently moved paths by up to 7.9.
pub(crate) const TOLERANCE: f64 = 10.0;
/// The same when another compiler made the program, whose code is another.
pub(crate) const TOLERANCE_OF_ANOTHER_COMPILER: f64 = 25.0;

/// Instructions by path, and the compiler that made the program they were counted in.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counts {
    pub(crate) compiler: String,
    pub(crate) of: Vec<(String, u64)>,
}

impl Counts {
    pub(crate) fn read(text: &str) -> Result<Counts, String> {
        let mut counts = Counts::default();
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(comment) = line.strip_prefix('#') {
                if let Some(compiler) = comment.trim().strip_prefix("compiler: ") {
                    compiler.clone_into(&mut counts.compiler);
                }
                continue;
            }
            let (name, count) = line
                .rsplit_once(" = ")
                .ok_or_else(|| format!("`{line}` is not `path = number`"))?;
            let count = count
                .replace(',', "")
                .parse()
                .map_err(|_| format!("`{line}` has no number"))?;
            counts.of.push((name.trim().to_owned(), count));
        }
        Ok(counts)
    }

    pub(crate) fn to_text(&self) -> String {
        let mut text = format!(
            "# Instructions of hot paths: `cargo bench --bench counts` compares, with `-- --accept` it writes.\n\
             # compiler: {}\n",
            self.compiler,
        );
        for (name, count) in &self.of {
            let _ = writeln!(text, "{name} = {}", grouped(*count));
        }
        text
    }

    fn get(&self, name: &str) -> Option<u64> {
        let (_, count) = self.of.iter().find(|(known, _)| known == name)?;
        Some(*count)
    }
}

/// A number with a comma before every third digit.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// What is wrong with `found`: a sentence for each path.
pub(crate) fn compare(accepted: &Counts, found: &Counts) -> Vec<(String, String)> {
    let most = match accepted.compiler == found.compiler {
        true => TOLERANCE,
        false => TOLERANCE_OF_ANOTHER_COMPILER,
    };
    let mut wrong = Vec::new();
    for (name, now) in &found.of {
        let Some(before) = accepted.get(name) else {
            wrong.push((name.clone(), format!("{name}: it has no accepted number")));
            continue;
        };
        let more = (*now as f64 / before.max(1) as f64 - 1.0) * 100.0;
        if more > most {
            let (now, before) = (grouped(*now), grouped(before));
            let text = format!(
                "{name}: {now} instructions, {more:.1} % more than the {before} accepted ({most} % are allowed)"
            );
            wrong.push((name.clone(), text));
        }
    }
    for (name, _) in &accepted.of {
        if found.get(name).is_none() {
            wrong.push((
                name.clone(),
                format!("{name}: it is accepted and was not counted"),
            ));
        }
    }
    wrong
}
