//! The convention that an answer is put between `<result>` and `</result>`, so that a model may think aloud around it.

const OPEN: &str = "<result>";
const CLOSE: &str = "</result>";

/// How this is explained to the model.
pub(super) const TOLD: &str =
    "When you have the answer, write it between <result> and </result>. What stands outside is not read.";

/// The text between the last `<result>` and the `</result>` after it.
///
/// # Errors
/// What is wrong, as text for the model.
pub(super) fn between(text: &str) -> Result<&str, String> {
    let (_, rest) =
        text.rsplit_once(OPEN).ok_or("it has no <result>: put the answer between <result> and </result>")?;
    let (result, _) = rest.split_once(CLOSE).ok_or("its last <result> is not closed by </result>")?;
    Ok(result.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_result_is_the_answer_and_one_that_is_not_there_is_said() {
        for (text, result) in [
            ("<result>7</result>", "7"),
            ("I think.\n<result>\n7\n</result> That is all.", "7"),
            ("<result>6</result> No: <result>7</result>", "7"),
            ("</result><result></result>", ""),
        ] {
            assert_eq!(between(text), Ok(result), "{text}");
        }
        assert!(between("7").unwrap_err().contains("no <result>"));
        assert!(between("<result>6</result> No: <result>7").unwrap_err().contains("not closed"));
    }
}
