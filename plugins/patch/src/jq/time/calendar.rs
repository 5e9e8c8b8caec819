//! The proleptic Gregorian calendar.

const DAY: i64 = 86_400;
/// 400 years, after which the calendar repeats.
const ERA: i64 = 146_097;

/// A moment in UTC, in its parts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Moment {
    pub(super) year: i64,
    /// From 1.
    pub(super) month: u8,
    /// From 1.
    pub(super) day: u8,
    pub(super) hour: u8,
    pub(super) minute: u8,
    pub(super) second: u8,
    pub(super) nanosecond: u32,
}

impl Moment {
    /// Some seconds after the start of 1970.
    pub(super) fn at(seconds: f64) -> Moment {
        // The whole part is cut and the fraction measured from the next lower second, as in gojq.
        Moment::new(cut(seconds), cut((seconds - seconds.floor()) * 1e9))
    }

    /// From fields that may be out of range; `month` counts from 0.
    pub(super) fn of(year: i64, month: i64, day: i64, hour: i64, minute: i64, second: f64) -> Moment {
        let days = days_before(year.saturating_add(month.div_euclid(12)), month.rem_euclid(12)).saturating_add(day - 1);
        let whole = hour.saturating_mul(3600).saturating_add(minute.saturating_mul(60)).saturating_add(cut(second));
        Moment::new(days.saturating_mul(DAY).saturating_add(whole), cut((second - second.floor()) * 1e9))
    }

    fn new(seconds: i64, nanosecond: i64) -> Moment {
        let seconds = seconds.saturating_add(nanosecond.div_euclid(1_000_000_000));
        let (days, time) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        let (year, month, day) = date(days);
        // The remainders are in range.
        let part = |number: i64| u8::try_from(number).unwrap_or(0);
        Moment {
            year,
            month: part(month),
            day: part(day),
            hour: part(time / 3600),
            minute: part(time / 60 % 60),
            second: part(time % 60),
            nanosecond: u32::try_from(nanosecond.rem_euclid(1_000_000_000)).unwrap_or(0),
        }
    }

    fn days(&self) -> i64 {
        days_before(self.year, i64::from(self.month) - 1) + i64::from(self.day) - 1
    }

    /// Since the start of 1970, without the fraction.
    pub(super) fn whole_seconds(&self) -> i64 {
        let time = i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second);
        self.days().saturating_mul(DAY).saturating_add(time)
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds are floats in jq")]
    pub(super) fn seconds(&self) -> f64 {
        self.whole_seconds() as f64 + f64::from(self.nanosecond) / 1e9
    }

    /// From 0, which is Sunday.
    pub(super) fn weekday(&self) -> i64 {
        (self.days() + 4).rem_euclid(7)
    }

    /// From 1.
    pub(super) fn day_of_year(&self) -> i64 {
        self.days() - days_before(self.year, 0) + 1
    }

    /// Year and week of ISO 8601: weeks start on Monday and belong to the year of their Thursday.
    pub(super) fn iso_week(&self) -> (i64, i64) {
        let thursday = self.days() - (self.weekday() + 6).rem_euclid(7) + 3;
        let (year, ..) = date(thursday);
        (year, (thursday - days_before(year, 0)) / 7 + 1)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "cutting is what is asked for, and the cast saturates")]
fn cut(number: f64) -> i64 {
    number as i64
}

/// Days from the start of 1970 to that of a month, which counts from 0. Years are taken to start in March, so that the
/// leap day is their last.
pub(super) fn days_before(year: i64, month: i64) -> i64 {
    let (year, month) = if month < 2 { (year.saturating_sub(1), month + 10) } else { (year, month - 2) };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day = (153 * month + 2) / 5;
    // The era that 1970 is in started 719,468 days before.
    era.saturating_mul(ERA).saturating_add(year * 365 + year / 4 - year / 100 + day - 719_468)
}

/// Year, month and day, the last two from 1, of a day counted from the start of 1970.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days.saturating_add(719_468);
    let (era, day) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (year * 365 + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_their_parts_are_two_views_of_one_thing() {
        for seconds in [0_i64, 951_782_400, 1_709_209_800, 4_107_542_400, -1, -2_208_988_800, -62_135_596_800] {
            let moment = Moment::new(seconds, 0);
            assert_eq!(moment.whole_seconds(), seconds);
        }
        let leap = Moment::new(1_709_209_800, 0);
        assert_eq!((leap.year, leap.month, leap.day, leap.weekday(), leap.day_of_year()), (2024, 2, 29, 4, 60));
    }

    #[test]
    fn weeks_belong_to_the_year_of_their_thursday() {
        for (date, week) in [((2005, 0, 1), (2004, 53)), ((2008, 11, 29), (2009, 1)), ((2015, 2, 5), (2015, 10))] {
            assert_eq!(Moment::of(date.0, date.1, date.2, 0, 0, 0.0).iso_week(), week, "{date:?}");
        }
    }

    #[test]
    fn fields_out_of_range_carry_over() {
        assert_eq!(Moment::of(2015, 14, 35, 25, 61, 61.0), Moment::of(2016, 3, 5, 2, 2, 1.0));
    }
}
