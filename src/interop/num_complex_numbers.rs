//! The complex numbers of the crate `num-complex`. `Complex<f64>` and [`Complex128`] are
//! converted beside the element types.

use num_complex::Complex;

use crate::value::{Complex64, Complex128, Value, ValueRef};

impl From<Complex<f64>> for Value {
    fn from(z: Complex<f64>) -> Value {
        Value::Complex(Complex128::from(z))
    }
}

impl From<Complex<f64>> for ValueRef<'_> {
    fn from(z: Complex<f64>) -> Self {
        ValueRef::Complex(Complex128::from(z))
    }
}

impl From<Complex<f32>> for Complex64 {
    fn from(z: Complex<f32>) -> Complex64 {
        Complex64::new(z.re, z.im)
    }
}

impl From<Complex64> for Complex<f32> {
    fn from(z: Complex64) -> Complex<f32> {
        Complex::new(z.re, z.im)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{DType, Tensor};

    #[test]
    fn numbers_go_there_and_back() {
        let z = Complex::new(1.5, -2.0);
        assert_eq!(Complex::from(Complex128::from(z)), z);
        let small = Complex::new(1.5f32, -0.0);
        assert_eq!(Complex::from(Complex64::from(small)), small);
        let value = Value::from(z);
        assert!(matches!(value, Value::Complex(c) if c == Complex128::new(1.5, -2.0)));
        assert!(matches!(ValueRef::from(z), ValueRef::Complex(c) if c.im == -2.0));
    }

    #[test]
    fn a_tensor_of_either_type_is_read_as_the_other() {
        let mut t = Tensor::from_vec(vec![Complex::new(1.0f32, 2.0)], [1]).unwrap();
        assert_eq!(t.dtype(), DType::Complex64);
        t.as_mut_slice::<Complex64>().unwrap()[0].im = 3.0;
        assert_eq!(
            t.as_slice::<Complex<f32>>().unwrap(),
            [Complex::new(1.0, 3.0)]
        );
    }
}
