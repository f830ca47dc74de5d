//! How what a gateway has is shown to people: in columns.

/// Rows under their headings, each column as wide as it must be.
pub fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let headings = headings.iter().map(|&heading| heading.to_owned()).collect::<Vec<_>>();
    let lines: Vec<Vec<String>> = [headings].into_iter().chain(rows.iter().map(|row| tame(row))).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
    let shown = lines.iter().map(|line| {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    });
    shown.collect()
}

/// A row that can be shown: names are anybody's, and a terminal obeys what is in them.
fn tame(row: &[String]) -> Vec<String> {
    let letter = |letter: char| if letter.is_control() { '\u{fffd}' } else { letter };
    row.iter().map(|cell| if cell.is_empty() { "-".to_owned() } else { cell.chars().map(letter).collect() }).collect()
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_are_as_wide_as_they_must_be_and_nothing_in_them_is_obeyed() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let shown = table(&["ID", "NAME", "TAGS"], &[row(["1", "a\u{1b}[2J", ""]), row(["1000", "é", "4"])]);
        assert_eq!(shown, "ID    NAME   TAGS\n1     a\u{fffd}[2J  -\n1000  é      4\n");
    }
}
