//! Tensors as `ndarray` arrays and back, without copying elements.

use std::borrow::Cow;

use bytemuck::AnyBitPattern;
use ndarray::{
    Array, ArrayView, ArrayViewD, ArrayViewMutD, Dimension, IxDyn, ShapeBuilder, StrideShape,
};

use crate::error::{EnvError, Result};
use crate::value::{Element, Order, Tensor, TensorRef, ValueRef, format_shape};

impl Tensor {
    /// The elements as an `ndarray` view, in either order, without a copy.
    ///
    /// # Errors
    /// As [`Tensor::as_slice`]; [`EnvError::InvalidValue`] when the shape does not fit the `usize`
    /// of this machine.
    ///
    /// ```
    /// use achronyme_env::Tensor;
    ///
    /// let t = Tensor::from_vec(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [2, 3])?;
    /// let view = t.view::<f64>()?;
    /// assert_eq!(view[[1, 0]], 4.0);
    /// assert_eq!(view.as_ptr(), t.as_slice::<f64>()?.as_ptr());
    /// # Ok::<(), achronyme_env::EnvError>(())
    /// ```
    pub fn view<T: Element>(&self) -> Result<ArrayViewD<'_, T>> {
        let elements = self.as_slice::<T>()?;
        ArrayViewD::from_shape(self.strided_shape()?, elements)
            .map_err(|e| no_view(self.shape(), &e))
    }

    /// The elements as an `ndarray` view for writing, in either order. Memory that is shared or not
    /// writable is copied first, as by [`Tensor::as_mut_slice`].
    ///
    /// # Errors
    /// As [`Tensor::as_mut_slice`]; [`EnvError::InvalidValue`] when the shape does not fit the
    /// `usize` of this machine.
    ///
    /// ```
    /// use achronyme_env::Tensor;
    ///
    /// let mut t = Tensor::from_vec(vec![1i32, 2, 3, 4], [2, 2])?;
    /// t.view_mut::<i32>()?[[1, 0]] = 0;
    /// assert_eq!(t.as_slice::<i32>()?, [1, 2, 0, 4]);
    /// # Ok::<(), achronyme_env::EnvError>(())
    /// ```
    pub fn view_mut<T: Element + AnyBitPattern>(&mut self) -> Result<ArrayViewMutD<'_, T>> {
        let shape = self.strided_shape()?;
        let lengths = self.shape().to_vec();
        let elements = self.as_mut_slice::<T>()?;
        ArrayViewMutD::from_shape(shape, elements).map_err(|e| no_view(&lengths, &e))
    }

    /// A tensor that takes over the elements of an `ndarray` array.
    ///
    /// Nothing is copied when they stand in C or Fortran order from the beginning of the array's
    /// memory; any other array (sliced, inverted, with axes permuted otherwise) is copied into C
    /// order.
    ///
    /// # Errors
    /// [`EnvError::InvalidValue`] beyond [`limits::MAX_RANK`](crate::limits::MAX_RANK) dimensions.
    ///
    /// ```
    /// use achronyme_env::{Order, Tensor};
    /// use ndarray::array;
    ///
    /// let t = Tensor::from_array(array![[1.0, 2.0], [3.0, 4.0]].reversed_axes())?;
    /// assert_eq!(t.order(), Order::Fortran);
    /// assert_eq!(t.as_slice::<f64>()?, [1.0, 2.0, 3.0, 4.0]);
    /// # Ok::<(), achronyme_env::EnvError>(())
    /// ```
    pub fn from_array<T: Element, D: Dimension>(array: Array<T, D>) -> Result<Tensor> {
        let shape = lengths(array.shape());
        let Some(order) = order_of(&array.view()) else {
            return Tensor::from_vec(array.iter().copied().collect(), shape);
        };
        let len = array.len();
        match array.into_raw_vec_and_offset() {
            (mut elements, None | Some(0)) => {
                // A slice at the beginning of a longer vector keeps the rest as spare room.
                elements.truncate(len);
                Tensor::from_vec_in_order(elements, shape, order)
            }
            (elements, Some(offset)) => {
                let elements = elements[offset..][..len].to_vec();
                Tensor::from_vec_in_order(elements, shape, order)
            }
        }
    }

    /// The shape with its order, as `ndarray` takes it.
    fn strided_shape(&self) -> Result<StrideShape<IxDyn>> {
        let shape: Result<Vec<usize>, _> = self
            .shape()
            .iter()
            .map(|length| usize::try_from(*length))
            .collect();
        match shape {
            Ok(shape) => Ok(match self.order() {
                Order::C => IxDyn(&shape).into(),
                Order::Fortran => IxDyn(&shape).f().into(),
            }),
            Err(e) => Err(no_view(self.shape(), &e)),
        }
    }
}

impl<'a> TensorRef<'a> {
    /// A tensor over the elements of an `ndarray` view in C or Fortran order, borrowed.
    ///
    /// # Errors
    /// [`EnvError::InvalidValue`] when the view is in neither order without gaps, or beyond
    /// [`limits::MAX_RANK`](crate::limits::MAX_RANK) dimensions.
    ///
    /// ```
    /// use achronyme_env::TensorRef;
    /// use ndarray::{Array2, s};
    ///
    /// let a = Array2::<f32>::zeros((4, 6));
    /// assert!(TensorRef::from_view(a.view()).is_ok());
    /// assert!(TensorRef::from_view(a.t()).is_ok());
    /// let columns = a.slice(s![.., 1..3]);
    /// assert!(TensorRef::from_view(columns).is_err());
    /// assert!(TensorRef::from_view(columns.as_standard_layout().view()).is_ok());
    /// # Ok::<(), achronyme_env::EnvError>(())
    /// ```
    pub fn from_view<T: Element, D: Dimension>(view: ArrayView<'a, T, D>) -> Result<TensorRef<'a>> {
        let shape = lengths(view.shape());
        let elements = match order_of(&view) {
            Some(Order::C) => view.to_slice().map(|elements| (elements, Order::C)),
            Some(Order::Fortran) => {
                let elements = view.reversed_axes().to_slice();
                elements.map(|elements| (elements, Order::Fortran))
            }
            None => None,
        };
        match elements {
            Some((elements, order)) => TensorRef::from_bytes(
                T::DTYPE,
                Cow::Owned(shape),
                order,
                bytemuck::cast_slice(elements),
            ),
            None => Err(EnvError::InvalidValue {
                what: format!("an array view of shape {}", format_shape(&shape)),
                reason: "its elements are not contiguous in C or Fortran order; \
                         call `.as_standard_layout()` and take the view of that"
                    .to_owned(),
            }),
        }
    }
}

/// As [`TensorRef::from_view`].
impl<'a, T: Element, D: Dimension> TryFrom<ArrayView<'a, T, D>> for TensorRef<'a> {
    type Error = EnvError;

    fn try_from(view: ArrayView<'a, T, D>) -> Result<Self> {
        TensorRef::from_view(view)
    }
}

/// As [`TensorRef::from_view`].
impl<'a, T: Element, D: Dimension> TryFrom<ArrayView<'a, T, D>> for ValueRef<'a> {
    type Error = EnvError;

    fn try_from(view: ArrayView<'a, T, D>) -> Result<Self> {
        TensorRef::from_view(view).map(ValueRef::Tensor)
    }
}

/// The order in which the elements stand without gaps, if there is one.
///
/// `ndarray` also calls inverted and permuted axes contiguous, so each order is asked for.
fn order_of<T, D: Dimension>(view: &ArrayView<'_, T, D>) -> Option<Order> {
    if view.is_standard_layout() {
        Some(Order::C)
    } else if view.t().is_standard_layout() {
        Some(Order::Fortran)
    } else {
        None
    }
}

fn lengths(shape: &[usize]) -> Vec<u64> {
    shape.iter().map(|length| *length as u64).collect()
}

fn no_view(shape: &[u64], reason: &dyn std::fmt::Display) -> EnvError {
    EnvError::InvalidValue {
        what: format!("an array view of shape {}", format_shape(shape)),
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array3, s};

    use super::*;
    use crate::value::TensorData;

    fn bytes<'a>(tensor: &TensorRef<'a>) -> &'a [u8] {
        match tensor.data {
            TensorData::Bytes { bytes, .. } => bytes,
            TensorData::Source(_) => panic!("a view is borrowed"),
        }
    }

    #[test]
    fn a_borrowed_tensor_is_the_memory_of_the_array() {
        let a = Array3::<f32>::zeros((2, 3, 4));
        let c = TensorRef::from_view(a.view()).unwrap();
        assert_eq!(bytes(&c).as_ptr(), a.as_ptr().cast());
        assert_eq!((&*c.shape, c.order), (&[2, 3, 4][..], Order::C));

        let fortran = TensorRef::from_view(a.t()).unwrap();
        assert_eq!(bytes(&fortran).as_ptr(), a.as_ptr().cast());
        assert_eq!(
            (&*fortran.shape, fortran.order),
            (&[4, 3, 2][..], Order::Fortran)
        );

        let second = TensorRef::from_view(a.slice(s![1.., .., ..])).unwrap();
        assert_eq!(bytes(&second).as_ptr(), (&raw const a[[1, 0, 0]]).cast());
        assert_eq!(bytes(&second).len(), 48);
    }

    #[test]
    fn a_borrowed_tensor_outlives_the_view_it_was_made_of() {
        let a = Array3::<u8>::ones((1, 2, 2));
        let tensor = {
            let view = a.view();
            TensorRef::from_view(view).unwrap()
        };
        assert_eq!(bytes(&tensor), [1; 4]);
    }
}
