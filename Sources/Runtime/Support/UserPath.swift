import Common
import Foundation

/// Paths as people write them, where no shell has looked at them: in a job file, behind `--set` and behind `--option=`.
///
/// A shell would have replaced `~` and `$HOME`. Taken as they are they become part of a name, and whoever finds a directory
/// called `~` may be tempted to remove it. So `~` is the home directory here too, and what else only a shell understands is
/// refused. `./` in front keeps a name as it is.
public enum UserPath {
    /// A path without `~`.
    ///
    /// - Throws: `invalidInput` for what is meant for a shell.
    public static func expanded(
        _ path: String, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws -> String {
        if let first = path.first, let last = path.last, quotes.contains(first) || quotes.contains(last) {
            throw SelMixError(
                .invalidInput, "the path \(path) has typographic quotes, which are part of a name",
                hint: "use \" or no quotes at all")
        }
        if path.contains(/\$[A-Za-z_{]/) {
            throw SelMixError(
                .invalidInput, "variables are not replaced in the path \(path)", hint: "write the path out")
        }
        guard path.hasPrefix("~") else { return path }
        guard path == "~" || path.hasPrefix("~/") else {
            throw SelMixError(
                .invalidInput, "the path \(path) begins with the home directory of another user",
                hint: "write the path out; for a file of that name, write ./\(path)")
        }
        guard let home = environment["HOME"], home.hasPrefix("/") else {
            throw SelMixError(
                .invalidInput, "no home directory is known for the path \(path)", hint: "write the path out")
        }
        return home + path.dropFirst()
    }

    /// Arguments with `~` replaced where a shell leaves it: `--option=~/path`, and in quotes.
    public static func expanded(arguments: [String]) throws -> [String] {
        try arguments.map { argument in
            if argument == "~" || argument.hasPrefix("~/") { return try expanded(argument) }
            guard argument.hasPrefix("--"), let mark = argument.firstRange(of: "=~/") else { return argument }
            // `--set key=~/path` is the job file's matter.
            guard !argument[..<mark.lowerBound].contains("=") else { return argument }
            return argument[...mark.lowerBound]
                + (try expanded(String(argument[argument.index(after: mark.lowerBound)...])))
        }
    }

    private static let quotes: Set<Character> = ["\u{201C}", "\u{201D}", "\u{2018}", "\u{2019}", "\u{AB}", "\u{BB}"]
}
