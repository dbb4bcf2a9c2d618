import Messaging

/// A contribution's gradient as it was received.
struct GradientFrames: Sendable {
    /// Slices of the large tensors, in the layout's order.
    var slices: [TensorFrame] = []
    /// The tensors that are not sliced.
    var whole: [TensorFrame] = []
}
