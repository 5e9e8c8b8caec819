//! temp
#[derive(Debug, thiserror::Error)]
/// temp
pub enum TemplateError { /// t
 #[error("x")] X }
/// temp
pub fn render(_c: &[String], _v: &serde_json::Value) -> Result<String, TemplateError> { Err(TemplateError::X) }
