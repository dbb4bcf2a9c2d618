import CKernels

/// What the gain of every pair is made of, [K, K] each: S = Z W^T + b and A = (Z Z^T) D.
struct GainFactors: Sendable {
    let classes: Int
    /// S.
    let logits: FloatBuffer
    /// A.
    let influence: FloatBuffer
    /// The largest entry of each row of S, [K].
    let largest: FloatBuffer
    /// A_ii, [K].
    let own: FloatBuffer

    init(_ input: GainInput, blocks: [Range<Int>], loop: BlockLoop) throws {
        let (classes, dimension) = (input.classes, input.classMeans.columns)
        let logits = FloatBuffer(classes * classes)
        let largest = FloatBuffer(classes)
        let own = FloatBuffer(classes)
        try loop(blocks.count) { index in
            let rows = blocks[index]
            let block = logits + rows.lowerBound * classes
            try Self.multiply(
                input.classMeans.values, row: rows.lowerBound, input.weight.values, into: block,
                .init(m: rows.count, n: classes, k: dimension, transposedB: true))
            smx_add_bias(block, input.bias, rows.count, classes)
            for row in rows { largest.pointer[row] = smx_max(logits + row * classes, classes) }
        }
        let influence =
            Self.isSparse(input)
            ? try Self.influenceThroughFeatures(input, blocks: blocks, loop: loop)
            : try Self.influenceThroughSimilarities(input, blocks: blocks, loop: loop)
        for k in 0..<classes { own.pointer[k] = influence.pointer[k * classes + k] }
        (self.classes, self.logits, self.influence) = (classes, logits, influence)
        (self.largest, self.own) = (largest, own)
    }

    /// Whether A is cheaper as Z (Z^T D), where the entries of D are few. An entry's d fused multiply-adds take about as
    /// long as 16 times as many in a product of matrices.
    static func isSparse(_ input: GainInput) -> Bool {
        let (classes, dimension) = (Double(input.classes), Double(input.classMeans.columns))
        return 16 * Double(input.gradient.values.count) * dimension < classes * classes * classes
    }

    /// (Z Z^T) D, with all of D in memory.
    private static func influenceThroughSimilarities(
        _ input: GainInput, blocks: [Range<Int>], loop: BlockLoop
    ) throws -> FloatBuffer {
        let (classes, z) = (input.classes, input.classMeans)
        let gradient = FloatBuffer(classes * classes)
        gradient.pointer.update(repeating: 0, count: classes * classes)
        for k in 0..<classes {
            for place in input.gradient.places(row: k) {
                gradient.pointer[k * classes + Int(input.gradient.columnIndices[place])] =
                    Float(input.gradient.values[place])
            }
        }
        let influence = FloatBuffer(classes * classes)
        try loop(blocks.count) { index in
            let rows = blocks[index]
            try FloatBuffer.withScratch(rows.count * classes, 1) { similarities in
                try multiply(
                    z.values, row: rows.lowerBound, z.values, into: similarities[0],
                    .init(m: rows.count, n: classes, k: z.columns, transposedB: true))
                try MatrixProduct(.init(m: rows.count, n: classes, k: classes))(
                    similarities[0], gradient.pointer, into: influence + rows.lowerBound * classes)
            }
        }
        return influence
    }

    /// Z (Z^T D), where Z^T D is summed up entry by entry of D.
    private static func influenceThroughFeatures(
        _ input: GainInput, blocks: [Range<Int>], loop: BlockLoop
    ) throws -> FloatBuffer {
        let (classes, z) = (input.classes, input.classMeans)
        // (Z^T D)^T, [K, d].
        let pulls = FloatBuffer(classes * z.columns)
        pulls.pointer.update(repeating: 0, count: classes * z.columns)
        z.values.withUnsafeBufferPointer { z in
            let dimension = input.classMeans.columns
            for k in 0..<classes {
                for place in input.gradient.places(row: k) {
                    smx_add_scaled(
                        z.baseAddress! + k * dimension, Float(input.gradient.values[place]),
                        pulls + Int(input.gradient.columnIndices[place]) * dimension, dimension)
                }
            }
        }
        let influence = FloatBuffer(classes * classes)
        try loop(blocks.count) { index in
            let rows = blocks[index]
            try z.values.withUnsafeBufferPointer { z in
                try MatrixProduct(.init(m: rows.count, n: classes, k: input.classMeans.columns, transposedB: true))(
                    z.baseAddress! + rows.lowerBound * input.classMeans.columns, pulls.pointer,
                    into: influence + rows.lowerBound * classes)
            }
        }
        return influence
    }

    /// Some rows of `a`, from `row` on, times the transpose of `b`.
    private static func multiply(
        _ a: [Float], row: Int, _ b: [Float], into c: UnsafeMutablePointer<Float>, _ shape: MatrixProduct.Shape
    ) throws {
        let product = try MatrixProduct(shape)
        try a.withUnsafeBufferPointer { a in
            try b.withUnsafeBufferPointer { b in try product(a.baseAddress! + row * shape.k, b.baseAddress!, into: c) }
        }
    }
}
