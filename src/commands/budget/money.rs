//! Amounts of US dollars.

/// Below a tenth of a cent, an amount is shown as a dash.
const TINY: f64 = 0.001;

/// What the dash means.
pub(crate) const FOOTNOTE: &str =
    "— : low-spend rates rounded to —; see Spend column for actual cost.";

/// Returns whether an amount is not zero and too small to be shown.
pub(crate) fn is_tiny(amount: f64) -> bool {
    amount > 0.0 && amount < TINY
}

/// Formats an amount, for example `$50.50`.
pub(crate) fn usd(amount: f64) -> String {
    if is_tiny(amount) { "—".to_owned() } else { format!("${amount:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_two_decimals_and_tiny_ones_are_dashes() {
        for (amount, expected) in
            [(0.0, "$0.00"), (0.0009, "—"), (0.001, "$0.00"), (61.25, "$61.25"), (1e3, "$1000.00")]
        {
            assert_eq!(usd(amount), expected);
        }
    }
}
