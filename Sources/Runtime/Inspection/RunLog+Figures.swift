import Foundation

/// What the report of a run has besides its result, from the event log.
extension RunLog {
    var started: Date? { events.first.flatMap { Self.date($0.time) } }

    /// From the first event to the last.
    var seconds: Double {
        guard let first = started, let last = events.last.flatMap({ Self.date($0.time) }) else { return 0 }
        return last.timeIntervalSince(first)
    }

    /// The most workers that were ready at one time.
    var mostWorkers: Int {
        var (ready, most) = (Set<String>(), 0)
        for event in events {
            guard let worker = event.worker else {
                // Workers of an earlier start of the coordinator say hello again.
                if event.event == "resumed" { ready = [] }
                continue
            }
            switch event.event {
            case "worker-ready": ready.insert(worker)
            case "worker-lost", "worker-left", "worker-refused": ready.remove(worker)
            default: continue
            }
            most = max(most, ready.count)
        }
        return most
    }

    var quarantined: [QuarantinedWorker] {
        events.filter { $0.event == "quarantined" }.map {
            QuarantinedWorker(worker: $0.worker ?? "", host: $0.host ?? "", reason: $0.reason ?? "")
        }
    }

    /// Over the time spent in steps, without validations and selections.
    var stepsPerSecond: Double {
        var (steps, seconds) = (0, 0.0)
        var since: Date?
        for event in events {
            switch event.event {
            case "selected": since = Self.date(event.time)
            case "step":
                guard let from = since, let now = Self.date(event.time) else { continue }
                steps += 1
                seconds += now.timeIntervalSince(from)
                since = now
            default: continue
            }
        }
        return seconds > 0 ? Double(steps) / seconds : 0
    }

    private static func date(_ stamp: String) -> Date? { try? EventLine.stampFormat.parse(stamp) }
}
