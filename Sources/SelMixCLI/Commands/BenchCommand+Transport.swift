import ArgumentParser
import Runtime

extension BenchCommand {
    struct Transport: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Tensors over loopback TCP, without and with encryption.")

        @Option(help: "Bytes of a message.")
        var size = 8_192_000
        @Option(help: "Messages each way.")
        var messages = 200
        @Flag(help: "Print exactly one JSON object on standard output.")
        var json = false

        func validate() throws {
            if !(1...1 << 30).contains(size) { throw ValidationError("--size is \(size); it must be from 1 to 2^30") }
            if messages < 1 { throw ValidationError("--messages is \(messages); it must be at least 1") }
        }

        func run() throws {
            let result = try TransportBench(messageBytes: size, messages: messages)
            if json { return print(try JSONText.of(result)) }
            for (name, rate) in [("plain", result.plain), ("CURVE", result.curve)] {
                print(
                    "\(name): \(BenchCommand.rounded(rate.toWorker, 2)) GB/s to a worker, "
                        + "\(BenchCommand.rounded(rate.toCoordinator, 2)) GB/s to the coordinator")
            }
            print("CURVE takes \(BenchCommand.rounded(result.timeRatio, 1)) times as long")
        }
    }
}
