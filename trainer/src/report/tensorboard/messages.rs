//! The few protocol buffers of an event file. Source of the field numbers: TensorFlow's
//! `event.proto`, `summary.proto`, `tensor.proto` and `types.proto`.

use crate::system::protobuf::message;

const FILE_VERSION: &str = "brain.Event:2";
const SESSION_START: i32 = 1;
const COLORSPACE_RGB: i32 = 3;
const DT_STRING: i32 = 7;

/// What an event says.
pub(super) enum What {
    /// The format of the file.
    Version,
    /// A run starts or goes on: events of other files at this step and later are void.
    Start,
    Values(Vec<Summary>),
}

/// A value with its name.
pub(super) struct Summary {
    tag: String,
    value: Value,
}

enum Value {
    Scalar(f32),
    Image {
        width: u32,
        height: u32,
        png: Vec<u8>,
    },
    Text(String),
}

impl Summary {
    pub(super) fn scalar(tag: impl Into<String>, value: f32) -> Self {
        let (tag, value) = (tag.into(), Value::Scalar(value));
        Self { tag, value }
    }

    pub(super) fn image(tag: impl Into<String>, width: u32, height: u32, png: Vec<u8>) -> Self {
        Self {
            tag: tag.into(),
            value: Value::Image { width, height, png },
        }
    }

    /// Markdown.
    pub(super) fn text(tag: impl Into<String>, text: String) -> Self {
        let (tag, value) = (tag.into(), Value::Text(text));
        Self { tag, value }
    }

    fn encoded(&self) -> Vec<u8> {
        message(|value| {
            value.write_string(1, &self.tag)?;
            match &self.value {
                Value::Scalar(scalar) => value.write_float(2, *scalar),
                Value::Image { width, height, png } => value.write_bytes(
                    4,
                    &message(|image| {
                        image.write_int32(1, *height as i32)?;
                        image.write_int32(2, *width as i32)?;
                        image.write_int32(3, COLORSPACE_RGB)?;
                        image.write_bytes(4, png)
                    }),
                ),
                Value::Text(text) => {
                    let plugin = message(|plugin| plugin.write_string(1, "text"));
                    let metadata = message(|metadata| metadata.write_bytes(1, &plugin));
                    let tensor = message(|tensor| {
                        tensor.write_enum(1, DT_STRING)?;
                        // The shape of a scalar.
                        tensor.write_bytes(2, &[])?;
                        tensor.write_bytes(8, text.as_bytes())
                    });
                    value.write_bytes(8, &tensor)?;
                    value.write_bytes(9, &metadata)
                }
            }
        })
    }
}

/// An event of a file: `wall_time` in seconds since 1970.
pub(super) fn encoded(wall_time: f64, step: u64, what: &What) -> Vec<u8> {
    message(|event| {
        event.write_double(1, wall_time)?;
        match what {
            What::Version => event.write_string(3, FILE_VERSION),
            What::Start => {
                event.write_int64(2, step as i64)?;
                event.write_bytes(7, &message(|log| log.write_enum(1, SESSION_START)))
            }
            What::Values(values) => {
                event.write_int64(2, step as i64)?;
                let summary = message(|summary| {
                    let mut values = values.iter();
                    values.try_for_each(|value| summary.write_bytes(1, &value.encoded()))
                });
                event.write_bytes(5, &summary)
            }
        }
    })
}
