//! Which feature maps lie between the layers of a plan, and which of them each layer reads and
//! writes. A feature map is what a layer sees: its inputs, activated, side by side. Those of one
//! shape take turns in the same memory.

use crate::network::plan::{Activation, Edge, Plan, Source};

/// The feature maps of a network, and what its layers do with them.
#[derive(Debug)]
pub(super) struct Dataflow {
    pub maps: Vec<MapShape>,
    /// The map that takes the image.
    pub image: usize,
    /// One for each layer.
    pub steps: Vec<Step>,
    /// The map that takes what the last layer gives.
    pub output: usize,
    adds_image: bool,
}

/// Numbers of images, rows, columns and channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub images: usize,
    pub height: usize,
    pub width: usize,
    pub channels: usize,
}

/// What a feature map is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MapShape {
    pub channels: usize,
    /// How many times height and width are halved.
    pub level: usize,
    /// Pixels beyond each edge that layers reach.
    pub border: usize,
}

/// What a layer reads and writes.
#[derive(Debug)]
pub(super) struct Step {
    pub from: usize,
    /// What lies beyond the edges of what it reads.
    pub edge: Edge,
    /// The level of what it writes.
    pub level: usize,
    /// Two at most.
    pub to: Vec<Target>,
}

/// Where outputs go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub map: usize,
    /// The first of the channels that take them.
    pub channel: usize,
    pub activation: Activation,
    /// Whether they are added to what is there.
    pub adds: bool,
}

impl MapShape {
    /// Its size for an image of `size`.
    pub fn size(self, size: Size) -> Size {
        Size {
            height: size.height >> self.level,
            width: size.width >> self.level,
            channels: self.channels,
            ..size
        }
    }
}

impl Dataflow {
    pub fn new(plan: &Plan) -> Self {
        let output = [plan.output()];
        let layers = plan.layers.iter();
        let views = layers.map(|layer| View {
            inputs: &layer.inputs,
            before: layer.before,
            border: layer.conv.padding,
        });
        let views: Vec<View> = views.chain([View::alone(&output)]).collect();
        let (maps, read) = shared_maps(plan, &views);
        let targets = |source: Source, after: Activation, adds: bool| {
            let mut targets = Vec::new();
            for (view, map) in views.iter().zip(&read) {
                let Some(at) = view.inputs.iter().position(|input| *input == source) else {
                    continue;
                };
                let channels = view.inputs[..at].iter().map(|input| plan.channels(*input));
                let target = Target {
                    map: *map,
                    channel: channels.sum(),
                    activation: match view.before {
                        Activation::Identity => after,
                        before => before,
                    },
                    adds,
                };
                // Several layers may see the same.
                if !targets.contains(&target) {
                    targets.push(target);
                }
            }
            targets
        };
        let layers = plan.layers.iter().enumerate();
        let steps = layers.map(|(index, layer)| Step {
            from: read[index],
            edge: layer.edge,
            level: layer.level,
            to: targets(Source::Layer(index), layer.after, layer.adds.is_some()),
        });
        Self {
            steps: steps.collect(),
            image: read[0],
            output: read[plan.layers.len()],
            maps,
            adds_image: plan.adds_input,
        }
    }

    /// The size of so many images of a height and a width.
    pub fn image_size(&self, images: usize, [height, width]: [usize; 2]) -> Size {
        Size {
            images: images,
            height,
            width,
            channels: self.maps[self.image].channels,
        }
    }

    /// Adds the image to the output where the network gives a correction of it.
    pub fn add_image(&self, fake_b: &mut [f32], real_a: &[f32]) {
        if self.adds_image {
            for (fake, real) in fake_b.iter_mut().zip(real_a) {
                *fake = (*fake + real).clamp(-1.0, 1.0);
            }
        }
    }
}

/// What a layer sees, and how many pixels beyond each edge it reaches. The result of the network
/// is what one more layer would see.
#[derive(Clone, Copy)]
struct View<'a> {
    inputs: &'a [Source],
    before: Activation,
    border: usize,
}

impl<'a> View<'a> {
    /// An output as it is.
    fn alone(input: &'a [Source; 1]) -> Self {
        Self {
            inputs: input,
            before: Activation::Identity,
            border: 0,
        }
    }

    fn is_of_the_same(self, other: View) -> bool {
        self.inputs == other.inputs && self.before == other.before
    }

    /// The number of the layer that writes the first of it, from 1 on; 0 is the image.
    fn begins(self) -> usize {
        let number = |input: &Source| match *input {
            Source::Image => 0,
            Source::Layer(index) => index + 1,
        };
        self.inputs.iter().map(number).min().unwrap_or(0)
    }
}

/// The maps, and which of them each layer reads.
fn shared_maps(plan: &Plan, views: &[View]) -> (Vec<MapShape>, Vec<usize>) {
    let mut maps: Vec<MapShape> = Vec::new();
    // The number of the last layer that needs each.
    let mut needed: Vec<usize> = Vec::new();
    let mut read: Vec<Option<usize>> = vec![None; views.len()];
    for begins in 0..views.len() {
        for (index, view) in views.iter().enumerate() {
            if view.begins() != begins {
                continue;
            }
            let like = |wanted: View| {
                let mut views = views.iter().zip(&read);
                views.find_map(|(view, map)| map.filter(|_| view.is_of_the_same(wanted)))
            };
            // What is added to is not needed any more, and takes the sum.
            let sum = || match (view.inputs, view.before) {
                ([Source::Layer(index)], Activation::Identity) => {
                    let addend = plan.layers[*index].adds?;
                    like(View::alone(&[addend]))
                }
                _ => None,
            };
            let shape = MapShape {
                channels: view.inputs.iter().map(|input| plan.channels(*input)).sum(),
                level: view.inputs.first().map_or(0, |input| plan.level(*input)),
                border: view.border,
            };
            let is_free = |map: &usize| maps[*map] == shape && needed[*map] < begins;
            let known = like(*view).or_else(sum);
            let map = known.or_else(|| (0..maps.len()).find(is_free));
            let map = map.unwrap_or_else(|| {
                maps.push(shape);
                needed.push(0);
                maps.len() - 1
            });
            let adds = |addend: Source| view.is_of_the_same(View::alone(&[addend]));
            let mut layers = plan.layers.iter();
            let added = layers.rposition(|layer| layer.adds.is_some_and(adds));
            let seen = views.iter().rposition(|other| other.is_of_the_same(*view));
            let last = added.max(seen).unwrap_or(index) + 1;
            needed[map] = needed[map].max(last);
            maps[map].border = maps[map].border.max(view.border);
            read[index] = Some(map);
        }
    }
    (maps, read.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decoder, GeneratorArch, GeneratorConfig, NormKind, Upsample};

    fn dataflow(arch: GeneratorArch) -> Dataflow {
        Dataflow::new(&GeneratorConfig::new(arch, 4, NormKind::Batch).plan())
    }

    #[test]
    fn residual_blocks_take_two_maps_however_many_they_are() {
        let [six, nine] = [GeneratorArch::Resnet6Blocks, GeneratorArch::Resnet9Blocks]
            .map(|arch| dataflow(arch).maps.len());
        assert_eq!(six, nine);
        // Image, two of each size between stem and head, result.
        assert!(nine <= 8, "{nine}");
    }

    #[test]
    fn a_unet_takes_a_map_for_what_each_layer_sees() {
        assert_eq!(dataflow(GeneratorArch::Unet256).maps.len(), 8 + 8 + 1);
    }

    /// A layer that reads what it writes would see its own outputs.
    #[test]
    fn no_layer_writes_what_it_reads_and_none_writes_more_than_two_maps() {
        for arch in [GeneratorArch::Unet128, GeneratorArch::Resnet9Blocks] {
            for upsample in [Upsample::Transposed, Upsample::Resize] {
                for decoder in [Decoder::Mirrored, Decoder::Listed] {
                    let config = GeneratorConfig {
                        upsample,
                        decoder,
                        ..GeneratorConfig::new(arch, 4, NormKind::Batch)
                    };
                    for step in Dataflow::new(&config.plan()).steps {
                        assert!((1..=2).contains(&step.to.len()));
                        assert!(step.to.iter().all(|target| target.map != step.from));
                    }
                }
            }
        }
    }
}
