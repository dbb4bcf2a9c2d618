import Common
import Foundation
import SelMix
import Training

extension HostCheck {
    /// Looks at this machine. Reads every tensor, which may take a while.
    func run() -> HostFindings {
        var findings = HostFindings(
            hasInstructionSet: true, probe: nil, data: [], network: [], disk: Self.diskProblem())
        do {
            try InstructionSet.use(instructionSet)
            findings.probe = try InstructionSet.probe()
        } catch {
            findings.hasInstructionSet = false
        }
        let catalog = TensorCatalog()
        for claim in tensors {
            if let problem = claim.problem(catalog), !findings.data.contains(problem) { findings.data.append(problem) }
        }
        findings.network = probes.compactMap { $0.problem() }
        return findings
    }

    /// Workers keep what only they may read in the temporary directory.
    private static func diskProblem() -> String? {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("selmix-check-\(UUID().uuidString)")
        do {
            try Data(count: 4096).write(to: path)
            try FileManager.default.removeItem(at: path)
            return nil
        } catch {
            try? FileManager.default.removeItem(at: path)
            return "nothing can be written to \(path.deletingLastPathComponent().path): \(error.localizedDescription)"
        }
    }
}

extension TensorClaim {
    init(reference: String, catalog: TensorCatalog) throws {
        let tensor = try catalog.tensor(for: TensorReference(parsing: reference))
        self.init(
            reference: reference, type: tensor.dataType.rawValue, shape: tensor.shape, digest: tensor.digest())
    }

    func problem(_ catalog: TensorCatalog) -> String? {
        do {
            let found = try TensorClaim(reference: reference, catalog: catalog)
            if found.type != type || found.shape != shape {
                return "\(reference) is \(found.type) \(found.shape) there, \(type) \(shape) here"
            }
            return found.digest == digest ? nil : "\(reference) holds other values there than here"
        } catch {
            return SelMixError(describing: error).message
        }
    }
}

extension Job {
    /// What workers read: all tensors but those of the test split, which the coordinator alone looks at.
    func tensorClaims() throws -> [TensorClaim] {
        let catalog = TensorCatalog()
        let references =
            [
                data.train.features, data.train.labels, data.validation.features, data.validation.labels, head.weight,
            ] + (data.unlabeled.map { [$0.features] } ?? [])
        return try references.map { try TensorClaim(reference: $0, catalog: catalog) }
    }
}
