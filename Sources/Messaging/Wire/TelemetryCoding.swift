import CProtocol
import Coordination

// What workers tell of themselves, to header frames and back. It comes from another machine: a figure that is no number, or
// not within its ``MeasurementLimit``, is refused, as it would reach whoever watches. A worker brings its own figures within
// them, so that an odd reading of a clock costs a figure and not the heartbeat that carries it.

extension WorkerTelemetry {
    func encoded(_ builder: FrameBuilder) -> UnsafeMutablePointer<Selmix__Wire__Telemetry> {
        builder.place(Selmix__Wire__Telemetry(), selmix__wire__telemetry__init) {
            $0.cores = min(cores, UInt32(MeasurementLimit.cores))
            $0.cpu = bounded(cpu, Double(MeasurementLimit.cores))
            $0.busy_cpu = bounded(busyCPU, Double(MeasurementLimit.cores))
            $0.memory_bytes = min(memoryBytes, MeasurementLimit.bytes)
            $0.memory_private_bytes = min(memoryPrivateBytes, MeasurementLimit.bytes)
            $0.disk_free_bytes = min(diskFreeBytes, MeasurementLimit.bytes)
            $0.disk_wait = bounded(diskWait, MeasurementLimit.share)
            $0.samples_per_second = bounded(samplesPerSecond, MeasurementLimit.rate)
            $0.bytes_sent = min(bytesSent, MeasurementLimit.bytes)
            $0.bytes_received = min(bytesReceived, MeasurementLimit.bytes)
            $0.errors = min(errors, MeasurementLimit.count)
            $0.round_trip_seconds = bounded(roundTrip, MeasurementLimit.seconds)
            $0.gather = phases.gather.encoded(builder)
            $0.compute = phases.compute.encoded(builder)
            $0.send = phases.send.encoded(builder)
            $0.wait = phases.wait.encoded(builder)
            $0.step = phases.step.encoded(builder)
        }
    }

    init(_ telemetry: Selmix__Wire__Telemetry) throws {
        self.init()
        cores = UInt32(try number(UInt64(telemetry.cores), upTo: UInt64(MeasurementLimit.cores)))
        cpu = try figure(telemetry.cpu, upTo: Double(MeasurementLimit.cores))
        busyCPU = try figure(telemetry.busy_cpu, upTo: Double(MeasurementLimit.cores))
        memoryBytes = try number(telemetry.memory_bytes, upTo: MeasurementLimit.bytes)
        memoryPrivateBytes = try number(telemetry.memory_private_bytes, upTo: MeasurementLimit.bytes)
        diskFreeBytes = try number(telemetry.disk_free_bytes, upTo: MeasurementLimit.bytes)
        diskWait = try figure(telemetry.disk_wait, upTo: MeasurementLimit.share)
        samplesPerSecond = try figure(telemetry.samples_per_second, upTo: MeasurementLimit.rate)
        bytesSent = try number(telemetry.bytes_sent, upTo: MeasurementLimit.bytes)
        bytesReceived = try number(telemetry.bytes_received, upTo: MeasurementLimit.bytes)
        errors = try number(telemetry.errors, upTo: MeasurementLimit.count)
        roundTrip = try figure(telemetry.round_trip_seconds, upTo: MeasurementLimit.seconds)
        phases.gather = try Quantiles(telemetry.gather)
        phases.compute = try Quantiles(telemetry.compute)
        phases.send = try Quantiles(telemetry.send)
        phases.wait = try Quantiles(telemetry.wait)
        phases.step = try Quantiles(telemetry.step)
    }
}

extension WorkerTelemetry.Quantiles {
    fileprivate func encoded(_ builder: FrameBuilder) -> UnsafeMutablePointer<Selmix__Wire__Quantiles> {
        builder.place(Selmix__Wire__Quantiles(), selmix__wire__quantiles__init) {
            $0.p50 = bounded(p50, MeasurementLimit.seconds)
            $0.p95 = bounded(p95, MeasurementLimit.seconds)
        }
    }

    fileprivate init(_ quantiles: UnsafeMutablePointer<Selmix__Wire__Quantiles>?) throws {
        self.init(
            p50: try figure(quantiles?.pointee.p50 ?? 0, upTo: MeasurementLimit.seconds),
            p95: try figure(quantiles?.pointee.p95 ?? 0, upTo: MeasurementLimit.seconds))
    }
}

extension SelfTest {
    func encoded(_ builder: FrameBuilder) -> UnsafeMutablePointer<Selmix__Wire__SelfTest> {
        builder.place(Selmix__Wire__SelfTest(), selmix__wire__self_test__init) {
            $0.matrix_flops_per_second = bounded(matrixFlopsPerSecond, MeasurementLimit.rate)
            $0.memory_bytes_per_second = bounded(memoryBytesPerSecond, MeasurementLimit.rate)
            $0.disk_bytes_per_second = bounded(diskBytesPerSecond, MeasurementLimit.rate)
            $0.round_trip_seconds = bounded(roundTrip, MeasurementLimit.seconds)
        }
    }

    init(_ test: Selmix__Wire__SelfTest) throws {
        self.init()
        matrixFlopsPerSecond = try figure(test.matrix_flops_per_second, upTo: MeasurementLimit.rate)
        memoryBytesPerSecond = try figure(test.memory_bytes_per_second, upTo: MeasurementLimit.rate)
        diskBytesPerSecond = try figure(test.disk_bytes_per_second, upTo: MeasurementLimit.rate)
        roundTrip = try figure(test.round_trip_seconds, upTo: MeasurementLimit.seconds)
    }
}

/// A measured value, where it comes in.
private func figure(_ value: Double, upTo limit: Double) throws -> Double {
    guard value.isFinite, value >= 0, value <= limit else { throw WireError("a measurement of \(value)") }
    return value
}

/// A measured value, where it goes out.
private func bounded(_ value: Double, _ limit: Double) -> Double { value.isNaN ? 0 : min(max(value, 0), limit) }
