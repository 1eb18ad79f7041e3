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
        let views = views.chain([View::alone(&output)]).collect();
        let maps = SharedMaps::new(plan, views);
        let layers = plan.layers.iter().enumerate();
        let steps = layers.map(|(index, layer)| Step {
            from: maps.read[index],
            edge: layer.edge,
            level: layer.level,
            to: maps.targets(index),
        });
        Self {
            steps: steps.collect(),
            image: maps.read[0],
            output: maps.read[plan.layers.len()],
            maps: maps.shapes,
            adds_image: plan.adds_input,
        }
    }

    /// The size of so many images of a height and a width.
    pub fn image_size(&self, images: usize, [height, width]: [usize; 2]) -> Size {
        Size {
            images,
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

    fn is_like(self, other: View) -> bool {
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

/// Maps in the making, for what each layer sees.
struct SharedMaps<'a> {
    plan: &'a Plan,
    views: Vec<View<'a>>,
    shapes: Vec<MapShape>,
    /// The number of the last layer that needs each map.
    needed: Vec<usize>,
    /// The map of each view.
    read: Vec<usize>,
}

impl<'a> SharedMaps<'a> {
    fn new(plan: &'a Plan, views: Vec<View<'a>>) -> Self {
        const NONE: usize = usize::MAX;
        let mut maps = Self {
            plan,
            read: vec![NONE; views.len()],
            views,
            shapes: Vec::new(),
            needed: Vec::new(),
        };
        // In the order in which the first of each is written.
        for begins in 0..maps.views.len() {
            for index in 0..maps.views.len() {
                if maps.views[index].begins() == begins {
                    maps.read[index] = maps.map_for(maps.views[index], begins);
                }
            }
        }
        maps
    }

    /// A map that holds the same already or has done its work, or else a new one.
    fn map_for(&mut self, view: View<'a>, begins: usize) -> usize {
        let channels = view.inputs.iter().map(|input| self.plan.channels(*input));
        let shape = MapShape {
            channels: channels.sum(),
            level: view
                .inputs
                .first()
                .map_or(0, |input| self.plan.level(*input)),
            border: view.border,
        };
        let is_free = |map: &usize| self.shapes[*map] == shape && self.needed[*map] < begins;
        let known = self.map_of(view).or_else(|| self.map_of_addend(view));
        let map = known.or_else(|| (0..self.shapes.len()).find(is_free));
        let map = map.unwrap_or_else(|| {
            self.shapes.push(shape);
            self.needed.push(0);
            self.shapes.len() - 1
        });
        self.shapes[map].border = self.shapes[map].border.max(view.border);
        self.needed[map] = self.needed[map].max(self.last_that_needs(view));
        map
    }

    fn map_of(&self, wanted: View) -> Option<usize> {
        let mut views = self.views.iter().zip(&self.read);
        let found = views.find(|(view, map)| **map < self.shapes.len() && view.is_like(wanted));
        found.map(|(_, map)| *map)
    }

    /// What a layer's output is added to is not needed any more, and takes the sum.
    fn map_of_addend(&self, view: View) -> Option<usize> {
        match (view.inputs, view.before) {
            ([Source::Layer(index)], Activation::Identity) => {
                let addend = self.plan.layers[*index].adds?;
                self.map_of(View::alone(&[addend]))
            }
            _ => None,
        }
    }

    fn last_that_needs(&self, view: View) -> usize {
        let adds = |addend: Source| view.is_like(View::alone(&[addend]));
        let mut layers = self.plan.layers.iter();
        let added = layers.rposition(|layer| layer.adds.is_some_and(adds));
        let seen = self.views.iter().rposition(|other| other.is_like(view));
        added.max(seen).map_or(0, |last| last + 1)
    }

    /// Where a layer's outputs go.
    fn targets(&self, layer: usize) -> Vec<Target> {
        let planned = &self.plan.layers[layer];
        let mut targets = Vec::new();
        for (view, map) in self.views.iter().zip(&self.read) {
            let is_it = |input: &Source| *input == Source::Layer(layer);
            let Some(at) = view.inputs.iter().position(is_it) else {
                continue;
            };
            let before = view.inputs[..at].iter();
            let target = Target {
                map: *map,
                channel: before.map(|input| self.plan.channels(*input)).sum(),
                activation: match view.before {
                    Activation::Identity => planned.after,
                    before => before,
                },
                adds: planned.adds.is_some(),
            };
            // Several layers may see the same.
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        targets
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decoder, GeneratorArch, GeneratorConfig, NormKind, Upsample};

    fn plans() -> Vec<Plan> {
        let mut plans = Vec::new();
        for arch in [
            GeneratorArch::Unet128,
            GeneratorArch::Unet256,
            GeneratorArch::Resnet9Blocks,
        ] {
            for upsample in Upsample::ALL {
                for decoder in [Decoder::Mirrored, Decoder::Listed] {
                    let config = GeneratorConfig {
                        upsample,
                        decoder,
                        ..GeneratorConfig::new(arch, 4, NormKind::Batch)
                    };
                    plans.push(config.plan());
                }
            }
        }
        plans
    }

    /// Follows what lies in each map, channel by channel.
    #[test]
    fn every_layer_finds_its_inputs_in_the_map_that_it_reads() {
        for plan in plans() {
            let dataflow = Dataflow::new(&plan);
            let mut held: Vec<Vec<Option<Source>>> = dataflow.maps.iter().map(|_| vec![]).collect();
            held[dataflow.image] = vec![Some(Source::Image); plan.in_channels];
            let whole = |source: &Source| vec![Some(*source); plan.channels(*source)];
            for (index, (layer, step)) in plan.layers.iter().zip(&dataflow.steps).enumerate() {
                let inputs: Vec<_> = layer.inputs.iter().flat_map(whole).collect();
                assert_eq!(held[step.from], inputs, "{}", layer.path);
                assert!((1..=2).contains(&step.to.len()), "{}", layer.path);
                for target in &step.to {
                    assert_ne!(target.map, step.from, "{}", layer.path);
                    let held = &mut held[target.map];
                    held.resize(dataflow.maps[target.map].channels, None);
                    let channels = &mut held[target.channel..][..layer.channels[1]];
                    if let Some(addend) = layer.adds {
                        assert_eq!(channels, whole(&addend), "{}", layer.path);
                    }
                    channels.fill(Some(Source::Layer(index)));
                }
            }
            assert_eq!(held[dataflow.output], whole(&plan.output()));
        }
    }

    #[test]
    fn residual_blocks_take_two_maps_however_many_they_are() {
        let [six, nine] = [GeneratorArch::Resnet6Blocks, GeneratorArch::Resnet9Blocks]
            .map(|arch| GeneratorConfig::new(arch, 4, NormKind::Instance).plan())
            .map(|plan| Dataflow::new(&plan).maps.len());
        assert_eq!(six, nine);
        // Image, two of each size between stem and head, result.
        assert!(nine <= 8, "{nine}");
    }
}
