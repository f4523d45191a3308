//! Prints the matrix.

use std::collections::HashMap;
use std::io::Write;
use std::time::Duration;

use super::Results;
use super::cell::{NOT_COUNTED, Row};
use super::expect::FAULTS;
use super::flow::Flow;

/// Prints the matrix to the process's own stdout, which is shown even if the test passes.
pub(crate) fn print(rows: &[Row], results: &Results, repeated: &[String], took: Duration) {
    let mut text = text(rows, results, took);
    text.push_str(&format!(
        "{} runs repeated{}\n",
        repeated.len(),
        if repeated.is_empty() { "" } else { ":" }
    ));
    repeated.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).unwrap();
    out.flush().unwrap();
}

fn text(rows: &[Row], results: &Results, took: Duration) -> String {
    let mut found = HashMap::new();
    for (cell, result) in results {
        let shown = match result {
            Ok(NOT_COUNTED) => continue,
            Ok(0) => "ok".to_owned(),
            Ok(code) => code.to_string(),
            Err(_) => "WRONG".to_owned(),
        };
        found.insert((cell.row.clone(), cell.fault), shown);
    }
    let width = rows.iter().map(|row| name(row).len()).max().unwrap_or_default();
    let mut text = String::from(
        "\nThe fault matrix: ok is exit code 0, 1 an expected failure, . a fault that can't happen\n",
    );
    for flow in Flow::ALL {
        text.push_str(&format!("\n{:width$}", format!("convox {}", flow.name())));
        FAULTS.iter().for_each(|fault| text.push_str(&format!(" {:>9}", fault.to_string())));
        text.push('\n');
        for row in rows.iter().filter(|row| row.flow == flow) {
            text.push_str(&format!("{:width$}", name(row)));
            for fault in FAULTS {
                let shown = found.get(&(row.clone(), fault)).map_or(".", String::as_str);
                text.push_str(&format!(" {shown:>9}"));
            }
            text.push('\n');
        }
    }
    let wrong = results.iter().filter(|(_, result)| result.is_err()).count();
    let cells = results.iter().filter(|(_, result)| *result != Ok(NOT_COUNTED)).count();
    text.push_str(&format!("\n{cells} cells, {wrong} wrong, in {} s\n", took.as_secs()));
    text
}

fn name(row: &Row) -> String {
    let nth = if row.nth > 1 { format!(" #{}", row.nth) } else { String::new() };
    format!("  {}{nth}", row.key)
}
