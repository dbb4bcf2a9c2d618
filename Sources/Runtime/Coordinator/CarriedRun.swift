/// A run on its way to the task that leads it, which is the only one that uses it until it is over.
struct CarriedRun: @unchecked Sendable {
    let value: CoordinatedRun
    init(_ value: CoordinatedRun) { self.value = value }

    func lead() async -> Result<RunReport, any Error> {
        do {
            return .success(try await value.lead())
        } catch {
            return .failure(error)
        }
    }
}
