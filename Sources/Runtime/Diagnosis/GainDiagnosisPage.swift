/// gain-diagnosis.html: the estimate against the measurement as one self-contained page, which draws itself from the
/// report that is put into it.
enum GainDiagnosisPage {
    static func render(_ report: GainDiagnosisReport) throws -> String {
        try Page.filled(PackageResources.gain_diagnosis_html, with: report)
    }
}
