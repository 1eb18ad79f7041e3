//! The shaders are WGSL that any compiler takes, within the limits that every device has.

#![cfg(target_os = "linux")]
#![allow(clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use model::shader_sources;
use wgpu::naga::front::wgsl::parse_str;
use wgpu::naga::valid::{Capabilities, FunctionInfo, ModuleInfo, ValidationFlags, Validator};
use wgpu::naga::{AddressSpace, Expression, Function, Module, TypeInner};

/// Functions that WGSL has and our names could hide.
const BUILT_IN: &str = "abs acos all any atan bitcast ceil clamp cos cross degrees determinant \
    distance dot exp exp2 faceForward floor fma fract frexp inverseSqrt ldexp length log log2 max \
    min mix modf normalize pow radians reflect refract round saturate select sign sin sinh \
    smoothstep sqrt step tan tanh transpose trunc arrayLength countOneBits extractBits insertBits \
    firstLeadingBit firstTrailingBit reverseBits";

/// What naga does not take for granted, although every browser has it.
const CORE: Capabilities = Capabilities::SHADER_FLOAT16_IN_FLOAT32;

fn checked() -> Vec<(Module, ModuleInfo)> {
    let checked = |source: String| {
        let module = parse_str(&source).map_err(|error| error.emit_to_string(&source));
        let module = module.unwrap_or_else(|error| panic!("{error}"));
        let validated = Validator::new(ValidationFlags::all(), CORE)
            .validate(&module)
            .map_err(|error| error.emit_to_string(&source));
        let info = validated.unwrap_or_else(|error| panic!("{error}"));
        (module, info)
    };
    shader_sources().into_iter().map(checked).collect()
}

fn functions(
    (module, info): &(Module, ModuleInfo),
) -> impl Iterator<Item = (&str, &Function, &FunctionInfo)> {
    let named = module.functions.iter().map(|(handle, function)| {
        (
            function.name.as_deref().unwrap_or(""),
            function,
            &info[handle],
        )
    });
    let entry_points = module.entry_points.iter().enumerate();
    named.chain(entry_points.map(|(index, point)| {
        (
            point.name.as_str(),
            &point.function,
            info.get_entry_point(index),
        )
    }))
}

#[test]
fn no_name_hides_a_function() {
    for checked in checked() {
        let mut taken: BTreeSet<&str> = functions(&checked).map(|(name, ..)| name).collect();
        taken.extend(BUILT_IN.split_whitespace());
        for (place, function, _) in functions(&checked) {
            let variables = function.local_variables.iter();
            let variables = variables.filter_map(|(_, variable)| variable.name.as_deref());
            let arguments = function.arguments.iter();
            let arguments = arguments.filter_map(|argument| argument.name.as_deref());
            let constants = function.named_expressions.values().map(String::as_str);
            for name in variables.chain(arguments).chain(constants) {
                assert!(!taken.contains(name), "{name} in {place}");
            }
        }
    }
}

#[test]
fn only_what_has_an_address_is_indexed_by_a_number_that_varies() {
    for checked in checked() {
        let mut seen = 0;
        for (place, function, info) in functions(&checked) {
            for (_, expression) in function.expressions.iter() {
                if let Expression::Access { base, .. } = expression {
                    let base = info[*base].ty.inner_with(&checked.0.types);
                    let has_address = matches!(
                        base,
                        TypeInner::Pointer { .. } | TypeInner::ValuePointer { .. }
                    );
                    assert!(has_address, "{base:?} in {place}");
                    seen += 1;
                }
            }
        }
        assert!(seen > 0);
    }
}

#[test]
fn groups_take_no_more_than_every_device_has() {
    let limits = wgpu::Limits::default();
    for (module, info) in checked() {
        for (index, point) in module.entry_points.iter().enumerate() {
            let used = info.get_entry_point(index);
            let globals = module.global_variables.iter();
            let globals = globals.filter(|(handle, _)| !used[*handle].is_empty());
            let (mut shared, mut buffers) = (0, 0);
            for (_, variable) in globals {
                match variable.space {
                    AddressSpace::WorkGroup => {
                        shared += module.types[variable.ty].inner.size(module.to_ctx());
                    }
                    AddressSpace::Storage { .. } => buffers += 1,
                    _ => {}
                }
            }
            let threads: u32 = point.workgroup_size.iter().product();
            let name = &point.name;
            assert!(
                shared <= limits.max_compute_workgroup_storage_size,
                "{name}: {shared}"
            );
            assert!(
                threads <= limits.max_compute_invocations_per_workgroup,
                "{name}"
            );
            assert!(
                buffers <= limits.max_storage_buffers_per_shader_stage,
                "{name}"
            );
        }
    }
}
