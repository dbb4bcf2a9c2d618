import Common
import Testing
import Training

/// A head that was brought without a bias has none in the end.
@Suite struct HeadWithoutBiasTests {
    private func tensor(_ name: String, _ shape: [Int]) throws -> StoredTensor {
        let values = (0..<shape.reduce(1, *)).map { Float($0 + 1) }
        let bytes = try SafetensorsWriter.encode([TensorContent(name: name, shape: shape, values: values)])
        return try TensorFixture.file(bytes, as: "head.safetensors").tensor(nil)
    }

    @Test func onlyItsWeightMoves() throws {
        let head = try Parameters(weight: tensor("weight", [3, 4]), bias: nil)
        #expect(head.layout["bias"].isFixed && !head.layout["weight"].isFixed)
        #expect(head.headBias == [0, 0, 0])
        let (gradient, velocity) = (Parameters(layout: head.layout), Parameters(layout: head.layout))
        gradient["weight"].update(repeating: 1)
        gradient["bias"].update(repeating: 1)
        let result = head.copy()
        result["bias"].update(repeating: 7)
        let sgd = SGD(learningRate: 0.5, momentum: 0.9, weightDecay: 0.1, schedule: .constant, totalSteps: 2)
        sgd.apply(step: 0, weights: head, velocity: velocity, gradient: gradient, into: result)
        #expect(result.headBias == [0, 0, 0])
        #expect(result.headWeight.values != head.headWeight.values)
        #expect(velocity["bias"].allSatisfy { $0 == 0 })
    }

    @Test func aBiasOfAnotherShapeIsRefusedAsBefore() throws {
        let (weight, bias) = (try tensor("weight", [3, 4]), try tensor("bias", [4]))
        TensorFixture.expectInvalid("head.bias", hint: "[3]", naming: "head.safetensors") {
            try Parameters(weight: weight, bias: bias)
        }
        #expect(try !Parameters(weight: weight, bias: tensor("bias", [3])).layout["bias"].isFixed)
    }
}
