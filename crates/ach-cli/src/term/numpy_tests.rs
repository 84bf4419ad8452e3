//! Numbers in arrays beside what NumPy 2.4 prints for them, at its line width of 75.
//!
//! The expected texts were printed by NumPy itself, not written by hand.

use achronyme_env::{Complex64, Complex128, Element, Tensor};
use half::f16;

use super::array;

fn printed<T: Element>(elements: Vec<T>, shape: &[u64]) -> String {
    let tensor = Tensor::from_vec(elements, shape).unwrap();
    array::tensor(&tensor, array::THRESHOLD, 75).unwrap()
}

fn halves(elements: &[f32]) -> Vec<f16> {
    elements.iter().copied().map(f16::from_f32).collect()
}

#[test]
fn floats_are_as_numpy_prints_them() {
    assert_eq!(
        printed(vec![0.1, 0.5, 1.0, -2.25f64], &[4]),
        "[ 0.1   0.5   1.   -2.25]"
    );
    assert_eq!(
        printed(vec![0.1 + 0.2, 1.0 / 3.0, 123.456789012, -1e-3f64], &[4]),
        "[ 3.00000000e-01  3.33333333e-01  1.23456789e+02 -1.00000000e-03]"
    );
    assert_eq!(
        printed(vec![1e-5, 0.123456789, 1.0f64], &[3]),
        "[1.00000000e-05 1.23456789e-01 1.00000000e+00]"
    );
    assert_eq!(
        printed(vec![1e-5, 0.123_456_79, 1.0f32], &[3]),
        "[9.9999997e-06 1.2345679e-01 1.0000000e+00]"
    );
    assert_eq!(
        printed(vec![1e-5, 0.12345, 1.0f32], &[3]),
        "[1.0000e-05 1.2345e-01 1.0000e+00]"
    );
    assert_eq!(printed(vec![0.1, 0.2, 0.7f32], &[3]), "[0.1 0.2 0.7]");
    assert_eq!(printed(vec![700.0, 0.7f32], &[2]), "[700.    0.7]");
    assert_eq!(printed(vec![1e-4f32, 1e-2], &[2]), "[0.0001 0.01  ]");
    assert_eq!(
        printed(vec![999999.0f32, 1000.0], &[2]),
        "[999999.   1000.]"
    );
    assert_eq!(printed(vec![1e6f32, 1e5], &[2]), "[1.e+06 1.e+05]");
    assert_eq!(printed(vec![1e8, 1e7f64], &[2]), "[1.e+08 1.e+07]");
    assert_eq!(
        printed(vec![99999999.0, 1e7f64], &[2]),
        "[99999999. 10000000.]"
    );
    assert_eq!(printed(vec![0.0, -0.0f64], &[2]), "[ 0. -0.]");
    assert_eq!(
        printed(vec![f64::NAN, 1e9, f64::NEG_INFINITY], &[3]),
        "[   nan 1.e+09   -inf]"
    );
    assert_eq!(printed(vec![f64::NAN, f64::INFINITY], &[2]), "[nan inf]");
    assert_eq!(printed(vec![f64::NEG_INFINITY, 1.0], &[2]), "[-inf   1.]");
    assert_eq!(printed(vec![f64::NAN, 1.0, 22.5], &[3]), "[ nan  1.  22.5]");
    assert_eq!(
        printed(vec![1e300, 1e-300, 5e-324f64], &[3]),
        "[1.e+300 1.e-300 5.e-324]"
    );
    assert_eq!(printed(vec![0.999999999, 0.5f64], &[2]), "[1.  0.5]");
    assert_eq!(
        printed(vec![0.123456785, 0.123456775, 2.5f64], &[3]),
        "[0.12345678 0.12345678 2.5       ]"
    );
    assert_eq!(
        printed(vec![f64::MAX, f64::MIN_POSITIVE], &[2]),
        "[1.79769313e+308 2.22507386e-308]"
    );
}

#[test]
fn halves_are_as_numpy_prints_them() {
    assert_eq!(printed(halves(&[0.1, 1.5, -3.0]), &[3]), "[ 0.1  1.5 -3. ]");
    assert_eq!(printed(halves(&[1000.0, 1.5]), &[2]), "[1.0e+03 1.5e+00]");
    assert_eq!(printed(halves(&[1e-5, 1.5]), &[2]), "[1.0e-05 1.5e+00]");
    assert_eq!(
        printed(halves(&[65504.0, f32::INFINITY]), &[2]),
        "[6.55e+04      inf]"
    );
}

#[test]
fn integers_and_booleans_are_as_numpy_prints_them() {
    assert_eq!(printed(vec![1i8, -100, 5], &[3]), "[   1 -100    5]");
    assert_eq!(
        printed(vec![u64::MAX, 0], &[2]),
        "[18446744073709551615                    0]"
    );
    assert_eq!(printed(vec![true, false], &[1, 2]), "[[ True False]]");
    assert_eq!(printed(vec![true, true], &[2]), "[ True  True]");
    assert_eq!(
        printed((0..6).collect::<Vec<i32>>(), &[1, 2, 3]),
        "[[[0 1 2]\n\
         \x20 [3 4 5]]]"
    );
    assert_eq!(
        printed((0..8).collect::<Vec<i64>>(), &[2, 2, 2]),
        "[[[0 1]\n\
         \x20 [2 3]]\n\
         \n\
         \x20[[4 5]\n\
         \x20 [6 7]]]"
    );
}

#[test]
fn complex_numbers_are_as_numpy_prints_them() {
    assert_eq!(
        printed(
            vec![Complex128::new(1.0, 2.0), Complex128::new(-0.5, 0.0)],
            &[2]
        ),
        "[ 1. +2.j -0.5+0.j]"
    );
    assert_eq!(
        printed(
            vec![
                Complex128::new(1.0, 2.0),
                Complex128::new(f64::NAN, 0.0),
                Complex128::new(f64::NEG_INFINITY, f64::INFINITY),
                Complex128::new(0.0, 1e-7)
            ],
            &[4]
        ),
        "[  1.+2.e+00j  nan+0.e+00j -inf   +infj   0.+1.e-07j]"
    );
    assert_eq!(
        printed(
            vec![Complex128::new(0.0, 0.1), Complex128::new(1.0, 0.0)],
            &[2]
        ),
        "[0.+0.1j 1.+0.j ]"
    );
    assert_eq!(
        printed(
            vec![
                Complex64 { re: 0.1, im: -0.1 },
                Complex64 { re: 1.0, im: 1e-8 }
            ],
            &[2]
        ),
        "[0.1-1.e-01j 1. +1.e-08j]"
    );
    assert_eq!(printed(vec![Complex128::new(0.0, -2.5)], &[]), "-2.5j");
    assert_eq!(
        printed(vec![Complex64 { re: 0.1, im: 1e7 }], &[]),
        "(0.1+1e+07j)"
    );
}
