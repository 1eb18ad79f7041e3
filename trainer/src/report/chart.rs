//! Curves as SVG, in colours that follow the page's theme. What is drawn is decided elsewhere.

use plotters::prelude::*;

use crate::system::printable::html_escaped;

/// Size in pixels; the page scales it.
const SIZE: (u32, u32) = (560, 300);
/// Points of the smooth curve, and of the faint one behind it.
const SMOOTH: usize = 120;
const RAW: usize = 500;
/// Drawn in these and replaced by variables of the page's style, which knows the theme.
const INK: RGBColor = RGBColor(1, 2, 3);
const RULE: RGBColor = RGBColor(1, 2, 4);
const CURVES: [RGBColor; 4] = [
    RGBColor(1, 2, 5),
    RGBColor(1, 2, 6),
    RGBColor(1, 2, 7),
    RGBColor(1, 2, 8),
];

pub(super) struct Curve {
    pub name: String,
    pub points: Vec<(u64, f64)>,
    /// Noisy: drawn faintly, with its running mean on top.
    pub noisy: bool,
    pub dashed: bool,
}

/// Curves over steps.
pub(super) struct Chart {
    pub title: String,
    pub curves: Vec<Curve>,
    /// A level worth knowing, and its name.
    pub level: Option<(f64, String)>,
}

impl Chart {
    /// The chart as an SVG element; `None` without points.
    pub fn svg(&self) -> Option<String> {
        let steps = self.curves.iter().flat_map(|curve| &curve.points);
        let last = steps.map(|(step, _)| *step).max()?;
        let (low, high) = self.range()?;
        let mut svg = String::new();
        self.draw(&mut svg, last.max(1), low..high).ok()?;
        let label = html_escaped(&self.title);
        let start = format!("<svg role=\"img\" aria-label=\"{label}\" ");
        let mut svg = svg.replacen("<svg ", &start, 1);
        let curves = CURVES.iter().enumerate();
        let curves = curves.map(|(index, color)| (*color, format!("--curve-{index}")));
        let fixed = [(INK, "--quiet".to_string()), (RULE, "--rule".to_string())];
        for (RGBColor(red, green, blue), variable) in curves.chain(fixed) {
            let drawn = format!("\"#{red:02X}{green:02X}{blue:02X}\"");
            svg = svg.replace(&drawn, &format!("\"var({variable})\""));
        }
        Some(svg)
    }

    /// From 0 or below to above the curves, their rarest peaks cut off.
    fn range(&self) -> Option<(f64, f64)> {
        let drawn = self.curves.iter().flat_map(|curve| {
            let points = if curve.noisy { RAW } else { usize::MAX };
            thinned(&curve.points, points).into_iter()
        });
        let mut values: Vec<f64> = drawn.map(|(_, value)| value).collect();
        values.extend(self.level.as_ref().map(|(level, _)| *level));
        values.sort_by(f64::total_cmp);
        let (first, last) = (*values.first()?, *values.last()?);
        let noisy = self.curves.iter().any(|curve| curve.noisy);
        let common = values[(values.len() - 1) * 995 / 1000];
        let high = if noisy { common * 1.1 } else { last };
        if noisy || self.level.is_some() {
            let low = first.min(0.0);
            return Some((low, high.max(low + 1e-6)));
        }
        let margin = ((last - first) * 0.08).max(last.abs() * 0.005).max(1e-9);
        Some((first - margin, last + margin))
    }

    fn draw(
        &self,
        svg: &mut String,
        last: u64,
        range: std::ops::Range<f64>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        let mut chart = ChartBuilder::on(&root)
            .margin(8)
            .margin_right(24)
            .x_label_area_size(32)
            .y_label_area_size(66)
            .build_cartesian_2d(0..last, range.clone())?;
        let text = ("sans-serif", 19).into_font().color(&INK);
        chart
            .configure_mesh()
            .disable_x_mesh()
            .x_labels(5)
            .y_labels(5)
            .light_line_style(RULE.mix(0.0))
            .bold_line_style(RULE)
            .axis_style(RULE)
            .label_style(text)
            .x_label_formatter(&|step| short(*step))
            .y_label_formatter(&|value| decimal(*value, range.end - range.start))
            .draw()?;
        if let Some((level, _)) = &self.level {
            let ends = [(0, *level), (last, *level)];
            chart.draw_series(DashedLineSeries::new(ends, 6, 5, INK.stroke_width(1)))?;
        }
        for (curve, color) in self.curves.iter().zip(CURVES.iter().cycle()) {
            let clipped = |points: Vec<(u64, f64)>| {
                let clip = |(step, value): (u64, f64)| (step, value.clamp(range.start, range.end));
                points.into_iter().map(clip)
            };
            if curve.noisy {
                let faint = color.mix(0.3).stroke_width(1);
                chart.draw_series(LineSeries::new(clipped(thinned(&curve.points, RAW)), faint))?;
            }
            let points = match curve.noisy {
                true => thinned(&curve.points, SMOOTH),
                false => curve.points.clone(),
            };
            let style = color.stroke_width(2);
            match curve.dashed {
                true => {
                    let dashes = DashedLineSeries::new(clipped(points), 7, 5, style);
                    chart.draw_series(dashes)?;
                }
                false => {
                    let dots = if curve.noisy { 0 } else { 3 };
                    let line = LineSeries::new(clipped(points), style);
                    chart.draw_series(line.point_size(dots))?;
                }
            }
        }
        root.present()?;
        Ok(())
    }
}

/// Means of neighbours, so that at most `count` points are left.
fn thinned(points: &[(u64, f64)], count: usize) -> Vec<(u64, f64)> {
    let size = points.len().div_ceil(count.max(1)).max(1);
    let mean = |bucket: &[(u64, f64)]| {
        let sum: f64 = bucket.iter().map(|(_, value)| value).sum();
        (bucket[bucket.len() / 2].0, sum / bucket.len() as f64)
    };
    points.chunks(size).map(mean).collect()
}

/// 1500 as 1.5k.
fn short(step: u64) -> String {
    match step {
        0..1_000 => step.to_string(),
        1_000..1_000_000 => format!("{}k", step as f64 / 1e3),
        _ => format!("{}M", step as f64 / 1e6),
    }
}

/// As many digits as tell the marks of an axis of this length apart.
fn decimal(value: f64, length: f64) -> String {
    if length < 1e-3 {
        return format!("{value:.1e}");
    }
    let digits = (1.5 - length.log10()).ceil().clamp(0.0, 5.0) as usize;
    format!("{value:.digits$}")
}
