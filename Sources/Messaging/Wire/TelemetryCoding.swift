import CProtocol
import Coordination

// What workers tell of themselves, to header frames and back. It comes from another machine: a figure that is no
// number, or below zero, is refused, as it would reach whoever watches.

extension WorkerTelemetry {
    func encoded(_ builder: FrameBuilder) -> UnsafeMutablePointer<Selmix__Wire__Telemetry> {
        builder.place(Selmix__Wire__Telemetry(), selmix__wire__telemetry__init) {
            $0.cores = cores
            $0.cpu = cpu
            $0.busy_cpu = busyCPU
            $0.memory_bytes = memoryBytes
            $0.memory_private_bytes = memoryPrivateBytes
            $0.disk_free_bytes = diskFreeBytes
            $0.disk_wait = diskWait
            $0.samples_per_second = samplesPerSecond
            $0.bytes_sent = bytesSent
            $0.bytes_received = bytesReceived
            $0.errors = errors
            $0.round_trip_seconds = roundTrip
            $0.gather = phases.gather.encoded(builder)
            $0.compute = phases.compute.encoded(builder)
            $0.send = phases.send.encoded(builder)
            $0.wait = phases.wait.encoded(builder)
            $0.step = phases.step.encoded(builder)
        }
    }

    init(_ telemetry: Selmix__Wire__Telemetry) throws {
        self.init()
        cores = telemetry.cores
        cpu = try figure(telemetry.cpu)
        busyCPU = try figure(telemetry.busy_cpu)
        memoryBytes = telemetry.memory_bytes
        memoryPrivateBytes = telemetry.memory_private_bytes
        diskFreeBytes = telemetry.disk_free_bytes
        diskWait = try figure(telemetry.disk_wait)
        samplesPerSecond = try figure(telemetry.samples_per_second)
        bytesSent = telemetry.bytes_sent
        bytesReceived = telemetry.bytes_received
        errors = telemetry.errors
        roundTrip = try figure(telemetry.round_trip_seconds)
        phases.gather = try Quantiles(telemetry.gather)
        phases.compute = try Quantiles(telemetry.compute)
        phases.send = try Quantiles(telemetry.send)
        phases.wait = try Quantiles(telemetry.wait)
        phases.step = try Quantiles(telemetry.step)
    }
}

extension WorkerTelemetry.Quantiles {
    fileprivate func encoded(_ builder: FrameBuilder) -> UnsafeMutablePointer<Selmix__Wire__Quantiles> {
        builder.place(Selmix__Wire__Quantiles(), selmix__wire__quantiles__init) { ($0.p50, $0.p95) = (p50, p95) }
    }

    fileprivate init(_ quantiles: UnsafeMutablePointer<Selmix__Wire__Quantiles>?) throws {
        self.init(p50: try figure(quantiles?.pointee.p50 ?? 0), p95: try figure(quantiles?.pointee.p95 ?? 0))
    }
}

extension SelfTest {
    func encoded(_ builder: FrameBuilder) -> UnsafeMutablePointer<Selmix__Wire__SelfTest> {
        builder.place(Selmix__Wire__SelfTest(), selmix__wire__self_test__init) {
            $0.matrix_flops_per_second = matrixFlopsPerSecond
            $0.memory_bytes_per_second = memoryBytesPerSecond
            $0.disk_bytes_per_second = diskBytesPerSecond
            $0.round_trip_seconds = roundTrip
        }
    }

    init(_ test: Selmix__Wire__SelfTest) throws {
        self.init()
        matrixFlopsPerSecond = try figure(test.matrix_flops_per_second)
        memoryBytesPerSecond = try figure(test.memory_bytes_per_second)
        diskBytesPerSecond = try figure(test.disk_bytes_per_second)
        roundTrip = try figure(test.round_trip_seconds)
    }
}

/// A measured value.
private func figure(_ value: Double) throws -> Double {
    guard value.isFinite, value >= 0 else { throw WireError("a measurement of \(value)") }
    return value
}
