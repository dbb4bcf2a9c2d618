import Training

extension Job {
    /// The files that a worker reads, without repetition, in an order that follows from the job alone.
    var workerFiles: [String] {
        var files: [String] = []
        for reference in workerReferences.map({ self[keyPath: $0] }) {
            guard let path = try? TensorReference(parsing: reference).path, !files.contains(path) else { continue }
            files.append(path)
        }
        if let reference = data.unlabeled?.features, let path = try? TensorReference(parsing: reference).path,
            !files.contains(path)
        {
            files.append(path)
        }
        return files
    }

    /// The same job with files that lie elsewhere; those that are not listed stay.
    func reading(_ places: [String: String]) throws -> Job {
        func moved(_ text: String) throws -> String {
            var reference = try TensorReference(parsing: text)
            reference.path = places[reference.path] ?? reference.path
            return reference.description
        }
        var job = self
        for reference in workerReferences { job[keyPath: reference] = try moved(self[keyPath: reference]) }
        job.data.unlabeled = try data.unlabeled.map {
            UnlabeledFiles(features: try moved($0.features), labels: $0.labels)
        }
        return job
    }

    private var workerReferences: [WritableKeyPath<Job, String>] {
        [
            \.data.train.features, \.data.train.labels, \.data.validation.features, \.data.validation.labels,
            \.head.weight,
        ]
    }
}
