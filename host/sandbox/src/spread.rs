//! A small histogram of numbers of any size.

/// Numbers up to this one have a place each; above, each doubling has as many places.
const STEPS: u64 = 8;
/// Enough for numbers below 2^48: eight years of microseconds, 256 TiB.
const PLACES: usize = 368;
/// With so many numbers all counts are halved: what is long past fades.
const MANY: u32 = 1 << 16;

/// Counts numbers in places that are at most an eighth wide. Takes 1.5 KiB.
#[derive(Debug)]
pub(crate) struct Spread {
    places: [u32; PLACES],
    count: u32,
    max: u64,
}

impl Default for Spread {
    fn default() -> Self {
        Self { places: [0; PLACES], count: 0, max: 0 }
    }
}

impl Spread {
    pub(crate) fn add(&mut self, number: u64) {
        if self.count >= MANY {
            self.places.iter_mut().for_each(|count| *count /= 2);
            self.count = self.places.iter().sum();
        }
        self.places[place(number)] += 1;
        self.count += 1;
        self.max = self.max.max(number);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn max(&self) -> u64 {
        self.max
    }

    /// A number that `percent` of the numbers do not exceed.
    pub(crate) fn within(&self, percent: u32) -> u64 {
        let wanted = (u64::from(self.count) * u64::from(percent)).div_ceil(100);
        let mut seen = 0;
        for (place, count) in self.places.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= wanted {
                return end(place).min(self.max);
            }
        }
        self.max
    }
}

fn place(number: u64) -> usize {
    if number < STEPS {
        return usize::try_from(number).unwrap_or(PLACES - 1);
    }
    let doublings = number.ilog2() - STEPS.ilog2();
    let step = number >> doublings;
    let place = u64::from(doublings) * STEPS + step;
    usize::try_from(place).map_or(PLACES - 1, |place| place.min(PLACES - 1))
}

/// The largest number that has this place.
fn end(place: usize) -> u64 {
    let place = place as u64;
    if place < STEPS {
        return place;
    }
    let doublings = place / STEPS - 1;
    let step = STEPS + place % STEPS;
    ((step + 1) << doublings) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_an_eighth_wide_and_without_gaps() {
        for number in (0..4096).chain([u64::from(u32::MAX), (1 << 48) - 1]) {
            let place = place(number);
            assert!(number <= end(place) && (place == 0 || number > end(place - 1)), "{number} in {place}");
            assert!(end(place) - number <= number / STEPS, "{number} in {place}");
        }
        assert_eq!(place(u64::MAX), PLACES - 1);
    }

    #[test]
    fn shares_are_found_and_never_above_the_largest() {
        let mut spread = Spread::default();
        assert!(spread.is_empty());
        (1..=100).for_each(|number| spread.add(number));
        assert_eq!((spread.within(1), spread.within(100), spread.max()), (1, 100, 100));
        assert!((50..=56).contains(&spread.within(50)), "{}", spread.within(50));
        assert_eq!(spread.within(99), 100);
    }

    #[test]
    fn what_is_long_past_fades_but_for_the_largest() {
        let mut spread = Spread::default();
        spread.add(1000);
        for _ in 0..3 * MANY {
            spread.add(1);
        }
        assert_eq!((spread.within(100), spread.max()), (1, 1000));
    }
}
