//! Dollars per token, as JSON writes numbers, read digit by digit: a price is never a float.

use skep_runtime::PicoUsd;

/// How many decimals of a dollar a pico-dollar is.
const DECIMALS: i64 = 12;
/// No price has more digits than this before its point, in pico-dollars: a `u64` has no more.
const DIGITS: i64 = 20;

/// The price that a JSON number of dollars stands for, rounded up to the pico-dollar; the error says why it is not a
/// price.
///
/// # Invariants
/// 1. The result is at least what was written, and less than a pico-dollar above it.
pub(super) fn dollars(text: &str) -> Result<PicoUsd, &'static str> {
    const NO_NUMBER: &str = "is not a number";
    let (is_negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (is_small, power) = match exponent.strip_prefix('-') {
        Some(power) => (true, power),
        None => (false, exponent.strip_prefix('+').unwrap_or(exponent)),
    };
    let has_digits = !whole.is_empty() && !power.is_empty();
    if !has_digits || ![whole, decimals, power].into_iter().all(is_number) {
        return Err(NO_NUMBER);
    }
    let all = format!("{whole}{decimals}");
    let digits = all.trim_start_matches('0');
    if digits.is_empty() {
        return Ok(PicoUsd(0));
    }
    if is_negative {
        return Err("is less than nothing");
    }
    // An exponent too large for `i64` is out of bounds anyway, whichever its sign.
    let power = power.parse::<i64>().unwrap_or(i64::MAX).min(i64::MAX / 4);
    let exponent = if is_small { -power } else { power };
    let count = |digits: &str| i64::try_from(digits.len()).unwrap_or(i64::MAX / 4);
    // How many of the digits come before the point, in pico-dollars.
    let before =
        exponent.saturating_add(DECIMALS).saturating_add(count(digits)).saturating_sub(count(decimals));
    if before > DIGITS {
        return Err("is more than anything costs");
    }
    let at = usize::try_from(before).unwrap_or(0);
    let (kept, dropped) = digits.split_at(at.min(digits.len()));
    let padded = format!("{kept:0<at$}");
    let picos: u128 = if at == 0 { 0 } else { padded.parse().map_err(|_| NO_NUMBER)? };
    let picos = picos + u128::from(dropped.bytes().any(|digit| digit != b'0'));
    u64::try_from(picos).map(PicoUsd).map_err(|_| "is more than anything costs")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prices_are_read_as_they_are_written_however_they_are_written() {
        for (text, picos) in [
            ("1.5e-07", 150_000),
            ("1.5E-7", 150_000),
            ("15e-8", 150_000),
            ("0.00000015", 150_000),
            ("0.00000015000", 150_000),
            ("1e-06", 1_000_000),
            ("2", 2_000_000_000_000),
            ("2.0e+0", 2_000_000_000_000),
            ("1e-12", 1),
            ("0.0", 0),
            ("-0.0e9999999999999999999999", 0),
            // Noise from somebody's float arithmetic: the result is never too low.
            ("1.4999999999999999e-07", 150_000),
            ("1.5000000000000002e-07", 150_001),
            ("1e-99999999999999999999999", 1),
            ("18446744.073709551615", u64::MAX),
        ] {
            assert_eq!(dollars(text), Ok(PicoUsd(picos)), "{text}");
        }
        for text in [
            "",
            "-",
            "1e",
            "1e+-2",
            "e5",
            ".5",
            "-1e-9",
            "1e9",
            "18446744.0737095516151",
            "\"1\"",
            "null",
            "1 ",
            "１",
        ] {
            assert!(dollars(text).is_err(), "{text}");
        }
        assert!(dollars("1e99999999999999999999999").is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn no_price_is_rounded_down_nor_up_by_a_pico_dollar(digits in 1_u64..1_000_000_000_000, exponent in -24_i32..-4) {
            let PicoUsd(picos) = dollars(&format!("{digits}e{exponent}")).unwrap();
            // The same in integers alone: digits × 10^(exponent + 12).
            let power = 10_u128.pow((exponent + 12).unsigned_abs());
            let (exact, divisor) = if exponent >= -12 { (u128::from(digits) * power, 1) } else { (u128::from(digits), power) };
            prop_assert_eq!(u128::from(picos), exact.div_ceil(divisor));
        }

        #[test]
        fn where_the_point_stands_makes_no_difference(digits in "[0-9]{1,30}", at in 0_usize..30, exponent in -30_i32..5) {
            let at = at.min(digits.len());
            let (whole, decimals) = digits.split_at(at);
            let moved = exponent - i32::try_from(decimals.len()).unwrap();
            let pointed = match (whole, decimals) {
                ("", decimals) => format!("0.{decimals}e{exponent}"),
                (whole, "") => format!("{whole}e{exponent}"),
                (whole, decimals) => format!("{whole}.{decimals}e{exponent}"),
            };
            prop_assert_eq!(dollars(&pointed), dollars(&format!("{digits}e{moved}")));
        }

        #[test]
        fn whatever_is_written_is_a_price_or_an_error(text in "[-+0-9eE. ]{0,24}", other in ".{0,12}") {
            for text in [text, other] {
                std::hint::black_box(dollars(&text)).ok();
            }
        }
    }
}
