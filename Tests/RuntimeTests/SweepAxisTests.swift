import Common
import Testing

@testable import Runtime

@Suite struct SweepAxisTests {
    @Test(arguments: [
        ("seed=0,1,2", "seed", ["0", "1", "2"]),
        ("seed=7", "seed", ["7"]),
        ("objective=min-recall, h-mean", "objective", ["min-recall", "h-mean"]),
        ("selmix.mixRatio=[0.6, 1.0],[0,1]", "selmix.mixRatio", ["[0.6, 1.0]", "[0,1]"]),
        ("selmix.temperature={relative: 1},{absolute: 1}", "selmix.temperature", ["{relative: 1}", "{absolute: 1}"]),
        ("objective={name: a, groups: [[0, 1], [2]]},b", "objective", ["{name: a, groups: [[0, 1], [2]]}", "b"]),
        ("name='a, b',\"c]=d\"", "name", ["'a, b'", "\"c]=d\""]),
    ])
    func valuesEndAtCommasOutsideOfBrackets(argument: String, key: String, values: [String]) throws {
        let axis = try SweepAxis(parsing: argument)
        #expect(axis.key == key && axis.values == values)
    }

    @Test(arguments: [
        ("seed", "is not of the form"), ("=1,2", "is not of the form"), ("seed=", "empty value"),
        ("seed=1,,2", "empty value"), ("seed=1,2,1", "`1` twice"), ("a=[1,2", "open"), ("a=1],2", "open"),
        ("a=[1}", "open"), ("a='1,2", "open"), ("output=a,b", "varies the output"),
    ])
    func whatIsWrongIsUsage(argument: String, problem: String) {
        let error = #expect(throws: SelMixError.self) { try SweepAxis(parsing: argument) }
        #expect(error?.code == .usage && error?.message.contains(problem) == true, "\(String(describing: error))")
        #expect(error?.hint != nil)
    }

    @Test func everyCombinationHasAFolderOfItsOwn() {
        let folders = { (values: [[String]]) in Sweep.folders(values.map { $0.map { ("key", $0) } }) }
        #expect(folders([["min-recall", "0"], ["h-mean", "1"]]) == ["min-recall-0", "h-mean-1"])
        #expect(folders([["{relative: 0.5}"], ["[0.6, 1.0]"], ["../a/b"]]) == ["relative_0.5", "0.6_1.0", "_a_b"])
        #expect(folders([["a b"], ["a/b"], ["a_b"]]) == ["a_b", "a_b-2", "a_b-3"])
        #expect(folders([["a-b", "c"], ["a", "b-c"]]) == ["a-b-c", "a-b-c-2"])
    }
}
