//! When a provider says to try again: in seconds, or as a date, which is compared with the answer's own date.

use std::time::Duration;

/// The pause that `Retry-After` asks for. A date is compared with the `Date` of the same answer, since only that comes
/// from the same clock. A date in the past gives a pause of zero; a value that is neither gives none.
pub(super) fn retry_after(value: &str, date: Option<&str>) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let (then, now) = (seconds(value)?, seconds(date?.trim())?);
    Some(Duration::from_secs(then.saturating_sub(now)))
}

const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The seconds since 1970 of a date as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7). The two
/// obsolete forms, which must not be sent any more, are not accepted.
fn seconds(date: &str) -> Option<u64> {
    let (weekday, rest) = date.split_once(", ")?;
    let parts: [&str; 5] = rest.split(' ').collect::<Vec<_>>().try_into().ok()?;
    let [day, month, year, time, zone] = parts;
    let [hour, minute, second]: [&str; 3] = time.split(':').collect::<Vec<_>>().try_into().ok()?;
    let (day, year) = (number(day, 2)?, number(year, 4)?);
    let (hour, minute, second) = (number(hour, 2)?, number(minute, 2)?, number(second, 2)?);
    let month = (1..).zip(MONTHS).find(|(_, name)| *name == month)?.0;
    let is_day = (1..=days_of(month, year)).contains(&day);
    // A leap second counts as the one after it.
    if zone != "GMT" || year < 1970 || !is_day || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let years: u64 = (1970..year).map(|year| 365 + u64::from(is_leap(year))).sum();
    let months: u64 = (1..month).map(|month| days_of(month, year)).sum();
    let days = years + months + day - 1;
    let is_its_weekday = usize::try_from(days % 7).is_ok_and(|at| WEEKDAYS[at] == weekday);
    is_its_weekday.then_some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

/// A number with exactly this many digits.
fn number(text: &str, digits: usize) -> Option<u64> {
    let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

const fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_of(month: u64, year: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_date_is_read_as_http_writes_it_and_no_other() {
        for (date, at) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Tue, 29 Feb 2000 23:59:60 GMT", 951_868_800),
            ("Mon, 30 Nov 2026 12:00:00 GMT", 1_796_040_000),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
        ] {
            assert_eq!(seconds(date), Some(at), "{date}");
        }
        for odd in [
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Thu, 31 Jun 2026 00:00:00 GMT",
            "Sun, 29 Feb 2026 00:00:00 GMT",
            "Wed, 00 Jan 1970 00:00:00 GMT",
            "Wed, 31 Dec 1969 23:59:59 GMT",
            "Thu, 01 Jan 1970 24:00:00 GMT",
            "Thu, 01 Jan 1970 00:00:00 GMT ",
            "",
        ] {
            assert_eq!(seconds(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn a_pause_is_seconds_or_what_lies_between_two_dates_of_one_answer() {
        let now = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        let then = "Sun, 06 Nov 1994 08:50:07 GMT";
        assert_eq!(retry_after(" 2.5 ", None), Some(Duration::from_millis(2_500)));
        assert_eq!(retry_after(then, now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:07 GMT", now), Some(Duration::ZERO), "it has passed");
        assert_eq!(retry_after(then, None), None, "no other clock is theirs");
        for odd in ["soon", "-1", "NaN", "inf", "1e300", ""] {
            assert_eq!(retry_after(odd, now), None, "{odd}");
        }
    }

    proptest! {
        #[test]
        fn the_next_day_is_a_day_later(day in 0_u64..2_900_000) {
            let (mut year, mut month, mut left) = (1970, 1, day);
            while left >= days_of(month, year) {
                left -= days_of(month, year);
                (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            }
            let (weekday, name) = (WEEKDAYS[(day % 7) as usize], MONTHS[(month - 1) as usize]);
            let date = format!("{weekday}, {:02} {name} {year} 00:00:01 GMT", left + 1);
            prop_assert_eq!(seconds(&date), Some(day * 86_400 + 1));
        }

        #[test]
        fn whatever_is_sent_is_a_pause_or_nothing(value in ".{0,40}", date in proptest::option::of(".{0,40}")) {
            std::hint::black_box(retry_after(&value, date.as_deref()));
        }
    }
}
