import ArgumentParser
import Common
import Foundation
import Runtime

/// Prints an error as `error:` and `hint:` lines and ends with the status that belongs to it.
enum ErrorOutput {
    static func exit(with error: any Error) -> Never {
        if let error = error as? SelMixError, LogSetup.isJSON.load(ordering: .relaxed) {
            var fields = ["code": error.code.rawValue]
            fields["hint"] = error.hint
            fields["cause"] = error.cause
            JSONLogHandler.write(level: "error", label: "selmix", message: error.message, fields: fields)
            Foundation.exit(status(of: error.code))
        }
        if let error = error as? SelMixError {
            // A reason may come from another machine.
            write(("error: \(error.message)" + (error.cause.map { " (\($0))" } ?? "")).printable)
            if let hint = error.hint { write("hint: \(hint)".printable) }
            Foundation.exit(status(of: error.code))
        }
        // A command that has said everything on standard output.
        if let code = error as? ExitCode { Foundation.exit(code.rawValue) }
        let status = SelMixCommand.exitCode(for: error)
        if status == .success {
            print(SelMixCommand.fullMessage(for: error))
            requireOutput()
            Foundation.exit(0)
        }
        if status == .validationFailure {
            write("error: \(SelMixCommand.message(for: error))")
            write("hint: see `selmix --help` and `selmix help COMMAND`")
            Foundation.exit(2)
        }
        write("error: \(error)")
        Foundation.exit(1)
    }

    /// Ends this process when something that it was to print could not be written.
    static func requireOutput() {
        guard let failure = StandardOutput.takeFailure() else { return }
        if failure.isReaderGone { StandardDescriptors.endForWantOfReader() }
        exit(with: failure.error)
    }

    private static func status(of code: SelMixError.Code) -> Int32 {
        switch code {
        case .failed: 1
        case .usage: 2
        case .invalidInput: 3
        case .cluster: 4
        case .interrupted: 130
        }
    }

    private static func write(_ line: String) { StandardError.lastLine(line) }
}
