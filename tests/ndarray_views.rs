//! Promise: a tensor and an `ndarray` array share their elements: neither way copies one, in C or
//! in Fortran order, and what cannot be shared is copied right or refused.

#![cfg(feature = "ndarray")]

use achronyme_env::{DType, EnvError, Order, Tensor, TensorRef, ValueRef};
use ndarray::{Array, Array1, Array2, ArrayD, Axis, Ix3, IxDyn, ShapeBuilder, array, s};
use proptest::prelude::*;

#[test]
fn a_view_shows_the_memory_of_the_tensor_in_both_orders() {
    let elements = || (0..6).map(f64::from).collect::<Vec<_>>();
    let c = Tensor::from_vec(elements(), [2, 3]).unwrap();
    let fortran = Tensor::from_vec_in_order(elements(), [2, 3], Order::Fortran).unwrap();
    for (tensor, strides, second_row) in [
        (&c, [3, 1], [3.0, 4.0, 5.0]),
        (&fortran, [1, 2], [1.0, 3.0, 5.0]),
    ] {
        let view = tensor.view::<f64>().unwrap();
        assert_eq!(view.as_ptr(), tensor.as_slice::<f64>().unwrap().as_ptr());
        assert_eq!((view.shape(), view.strides()), (&[2, 3][..], &strides[..]));
        assert_eq!(
            view.index_axis(Axis(0), 1),
            array![second_row[0], second_row[1], second_row[2]].into_dyn()
        );
    }
    assert!(matches!(
        c.view::<f32>(),
        Err(EnvError::DTypeMismatch { .. })
    ));
}

#[test]
fn a_view_for_writing_copies_only_what_is_shared() {
    let mut a = Tensor::from_vec_in_order(vec![1i32, 2, 3, 4], [2, 2], Order::Fortran).unwrap();
    let before = a.as_slice::<i32>().unwrap().as_ptr();
    a.view_mut::<i32>().unwrap()[[0, 1]] = 30;
    assert_eq!(a.as_slice::<i32>().unwrap(), [1, 2, 30, 4]);
    assert_eq!(a.as_slice::<i32>().unwrap().as_ptr(), before);

    let b = a.clone();
    a.view_mut::<i32>().unwrap().fill(0);
    assert_eq!(a.as_slice::<i32>().unwrap(), [0; 4]);
    assert_eq!(b.as_slice::<i32>().unwrap(), [1, 2, 30, 4]);
    assert!(a.view_mut::<u32>().is_err());
}

#[test]
fn an_array_in_either_order_is_taken_over() {
    let c = Array::from_shape_vec((2, 3), vec![0u8, 1, 2, 3, 4, 5]).unwrap();
    taken_over(c.clone(), Order::C);
    taken_over(c.reversed_axes(), Order::Fortran);
    taken_over(Array::<f32, _>::zeros((2, 3, 4).f()), Order::Fortran);
    taken_over(Array1::<f64>::ones(5), Order::C);
    taken_over(array![[true, false]].into_dyn(), Order::C);
    // A slice at the beginning of its memory.
    taken_over(
        Array1::from(vec![1u16, 2, 3, 4]).slice_move(s![..2]),
        Order::C,
    );
}

#[test]
fn an_array_in_neither_order_is_copied_into_c_order() {
    let base = || {
        Array::from_iter(0..24i64)
            .into_shape_with_order((2, 3, 4))
            .unwrap()
    };
    same_elements(base().permuted_axes([1, 0, 2]));
    same_elements(base().slice_move(s![.., ..;-1, ..]));
    same_elements(base().slice_move(s![.., 1.., ..;2]));
    same_elements(base().slice_move(s![1.., .., ..]));
    same_elements(base().slice_move(s![..;-1, ..;-1, ..;-1]));
    // Contiguous, but not from the beginning of its memory.
    let tail = Array1::from(vec![1u16, 2, 3, 4]).slice_move(s![2..]);
    let tensor = Tensor::from_array(tail).unwrap();
    assert_eq!(tensor.as_slice::<u16>().unwrap(), [3, 4]);
}

#[test]
fn rank_0_and_empty_arrays_go_both_ways() {
    let scalar = Tensor::from_array(ndarray::arr0(7.5f64)).unwrap();
    assert_eq!(scalar.shape(), [0u64; 0]);
    assert_eq!(scalar.view::<f64>().unwrap()[IxDyn(&[])], 7.5);

    let empty = Tensor::from_array(Array2::<f64>::zeros((3, 0))).unwrap();
    assert_eq!(empty.shape(), [3, 0]);
    assert_eq!(empty.view::<f64>().unwrap().shape(), [3, 0]);
    let mut empty = empty;
    assert_eq!(empty.view_mut::<f64>().unwrap().shape(), [3, 0]);
    let cut_off = Array2::<f64>::zeros((3, 4)).slice_move(s![.., 4..]);
    assert_eq!(Tensor::from_array(cut_off).unwrap().shape(), [3, 0]);
}

#[test]
fn a_shape_beyond_this_machine_or_the_format_is_an_error() {
    let huge = Tensor::from_vec(Vec::<f64>::new(), [1 << 40, 1 << 40, 0]).unwrap();
    let text = huge.view::<f64>().unwrap_err().to_string();
    assert!(text.contains("(1099511627776, 1099511627776, 0)"), "{text}");

    let deep = ArrayD::<u8>::zeros(vec![1; 65]);
    assert!(TensorRef::from_view(deep.view()).is_err());
    let text = Tensor::from_array(deep).unwrap_err().to_string();
    assert!(text.contains("65 dimensions"), "{text}");
}

#[test]
fn a_view_with_gaps_says_what_to_call() {
    let a = Array2::<f32>::zeros((4, 6));
    assert!(TensorRef::try_from(a.view()).is_ok());
    assert!(matches!(ValueRef::try_from(a.t()), Ok(ValueRef::Tensor(_))));
    for view in [
        a.slice(s![.., 1..3]),
        a.slice(s![..;-1, ..]),
        a.slice(s![..;2, ..]),
    ] {
        let text = TensorRef::from_view(view).unwrap_err().to_string();
        assert!(text.contains("call `.as_standard_layout()`"), "{text}");
        assert!(TensorRef::from_view(view.as_standard_layout().view()).is_ok());
    }
}

#[test]
fn a_boolean_of_another_byte_gives_no_view() {
    let t = Tensor::from_bytes(DType::Bool, [2], Order::C, &[1, 2]).unwrap();
    assert!(t.view::<bool>().is_err());
}

proptest! {
    #[test]
    fn any_axes_any_slice_keep_their_elements(
        shape in (1usize..4, 1usize..4, 1usize..4),
        axes in Just([0usize, 1, 2]).prop_shuffle(),
        steps in prop::array::uniform3(prop::sample::select(vec![-2isize, -1, 1, 2])),
        starts in prop::array::uniform3(0isize..3),
    ) {
        let count = (shape.0 * shape.1 * shape.2) as i32;
        let a: Array<i32, Ix3> =
            Array::from_iter(0..count).into_shape_with_order(shape).unwrap();
        let mut a = a.permuted_axes(axes);
        for axis in 0..3 {
            let start = starts[axis].min(a.len_of(Axis(axis)) as isize);
            let slice = ndarray::Slice::new(start, None, steps[axis]);
            a.slice_axis_inplace(Axis(axis), slice);
        }
        same_elements(a);
    }
}

fn taken_over<T, D>(array: Array<T, D>, order: Order)
where
    T: achronyme_env::Element + PartialEq,
    D: ndarray::Dimension,
{
    let expected = array.clone();
    let memory = array.as_ptr();
    let tensor = Tensor::from_array(array).unwrap();
    assert_eq!(tensor.order(), order);
    assert_eq!(tensor.as_slice::<T>().unwrap().as_ptr(), memory);
    assert_eq!(tensor.view::<T>().unwrap(), expected.into_dyn());
}

fn same_elements<T, D>(array: Array<T, D>)
where
    T: achronyme_env::Element + PartialEq,
    D: ndarray::Dimension,
{
    let expected = array.clone().into_dyn();
    let tensor = Tensor::from_array(array).unwrap();
    assert_eq!(tensor.view::<T>().unwrap(), expected);
}
