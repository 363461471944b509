//! Text tables with aligned columns and without lines.

use chaos_core::text::escaped;

/// Rows under headings, every column as wide as its widest cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn with_headings<'a>(headings: impl IntoIterator<Item = &'a str>) -> Self {
        Self { rows: vec![headings.into_iter().map(str::to_uppercase).collect()] }
    }

    /// Text from a target stays within its cell: it cannot forge a row or change the direction of writing.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| escaped(&cell).to_string()).collect());
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (number, row) in self.rows.iter().enumerate() {
            let line = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:<width$}"))
                .collect::<Vec<_>>()
                .join("  ");
            let line_end = if number == 0 { "" } else { "\n" };
            write!(f, "{line_end}{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_end_without_blanks() {
        let mut table = Table::with_headings(["victim", "state"]);
        table.row(["local:drill/é".to_owned(), "recovered".to_owned()]);
        table.row(["x".to_owned(), String::new()]);
        assert_eq!(table.to_string(), "VICTIM         STATE\nlocal:drill/é  recovered\nx");
    }

    #[test]
    fn a_cell_forges_no_row_and_turns_no_line_around() {
        let mut table = Table::with_headings(["victim", "remark"]);
        table.row(["a\nb".to_owned(), "\u{202e}kcab si gnihtyreve\u{1b}[2K".to_owned()]);
        assert_eq!(table.to_string(), "VICTIM  REMARK\na\\nb    \\u{202e}kcab si gnihtyreve\\u{1b}[2K");
    }
}
