//! Colours of lines and of numbers.

/// Red, green and blue, 0 to 255.
pub(crate) type Colour = [u8; 3];

/// Frames, ticks and text.
pub(crate) const INK: Colour = [38, 38, 38];

/// The lines behind the data.
pub(crate) const GRID: Colour = [225, 225, 225];

/// The colours of Okabe and Ito, "Color Universal Design" (2008), which people who see fewer colours
/// can tell apart; without yellow, which is hard to see on white.
const LINES: [Colour; 7] = [
    [0, 114, 178],
    [213, 94, 0],
    [0, 158, 115],
    [204, 121, 167],
    [230, 159, 0],
    [86, 180, 233],
    [0, 0, 0],
];

/// Lines that can be told apart in one plot: each colour, and a darker one of it.
pub(crate) const MOST_LINES: usize = 2 * LINES.len() - 1;

/// The colour of the line of that number.
pub(crate) fn line(number: usize) -> Colour {
    let colour = LINES[number % LINES.len()];
    match number / LINES.len() {
        0 => colour,
        // Black has no darker one: it is not reached again.
        _ => colour.map(|part| part / 2),
    }
}

/// Viridis at a place from 0 to 1: dark blue to yellow, evenly brighter, also in grey. The map of
/// Stefan van der Walt and Nathaniel Smith (CC0) as the polynomial of degree 6 that Matt Zucker
/// fitted to it (CC0, <https://www.shadertoy.com/view/WlfXRN>).
pub(crate) fn viridis(place: f64) -> Colour {
    const COEFFICIENTS: [[f64; 3]; 7] = [
        [0.2777273272234177, 0.005407344544966578, 0.3340998053353061],
        [0.1050930431085774, 1.404613529898575, 1.384590162594685],
        [-0.3308618287255563, 0.214847559468213, 0.09509516302823659],
        [-4.634230498983486, -5.799100973351585, -19.33244095627987],
        [6.228269936347081, 14.17993336680509, 56.69055260068105],
        [4.776384997670288, -13.74514537774601, -65.35303263337234],
        [-5.435455855934631, 4.645852612178535, 26.3124352495832],
    ];
    let place = place.clamp(0.0, 1.0);
    [0, 1, 2].map(|channel| {
        let sum = COEFFICIENTS.iter().rev();
        let sum = sum.fold(0.0, |sum, c| sum * place + c[channel]);
        (sum * 255.0).round().clamp(0.0, 255.0) as u8
    })
}

/// `colour` over white, `strength` of it from 0 to 1.
pub(crate) fn over_white(colour: [f64; 3], strength: f64) -> Colour {
    colour.map(|part| {
        let mixed = part * strength + 255.0 * (1.0 - strength);
        mixed.round().clamp(0.0, 255.0) as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Places of the published table of 256 colours.
    #[test]
    fn the_polynomial_is_viridis() {
        for (place, published) in [
            (0.0, [68, 1, 84]),
            (0.25, [59, 82, 139]),
            (0.5, [33, 145, 140]),
            (0.75, [94, 201, 98]),
            (1.0, [253, 231, 37]),
        ] {
            for (ours, theirs) in viridis(place).iter().zip(published) {
                assert!(ours.abs_diff(theirs) <= 4, "{place}: {:?}", viridis(place));
            }
        }
    }

    #[test]
    fn no_two_lines_have_the_same_colour() {
        let mut colours: Vec<Colour> = (0..MOST_LINES).map(line).collect();
        colours.sort_unstable();
        colours.dedup();
        assert_eq!(colours.len(), MOST_LINES);
    }
}
