# The two networks of a DCGAN, as https://arxiv.org/abs/1511.06434 describes them, for square grey pictures.
from torch import nn


def build_networks(image_size, noise, width):
    """The generator makes pictures of vectors of `noise` numbers; the discriminator gives each picture one score."""
    first, channels = plan_layers(image_size, width)
    generator = nn.Sequential(
        nn.Unflatten(1, (noise, 1, 1)),
        nn.ConvTranspose2d(noise, channels[-1], first, bias=False),
        *grow(channels),
        nn.ConvTranspose2d(channels[0], 1, 4, stride=2, padding=1),
        nn.Tanh(),
    )
    discriminator = nn.Sequential(
        nn.Conv2d(1, channels[0], 4, stride=2, padding=1),
        *shrink(channels),
        nn.Conv2d(channels[-1], 1, first),
        nn.Flatten(0),
    )
    for network in (generator, discriminator):
        network.apply(begin_small)
    return generator, discriminator


def plan_layers(image_size, width):
    """Side of the smallest layer, from 4 to 7, and channels from the largest layer to it: each halves the side."""
    first, channels = image_size, []
    while first >= 8 and first % 2 == 0:
        first //= 2
        channels.append(width * 2 ** len(channels))
    if not channels or first > 7:
        raise ValueError(f"image_size {image_size} does not come down to 4..7 by halves; 28, 32 and 64 do")
    return first, channels


def grow(channels):
    layers = []
    for smaller, larger in zip(channels[:0:-1], channels[-2::-1]):
        layers += [nn.BatchNorm2d(smaller), nn.ReLU(True)]
        layers += [nn.ConvTranspose2d(smaller, larger, 4, stride=2, padding=1, bias=False)]
    return [*layers, nn.BatchNorm2d(channels[0]), nn.ReLU(True)]


def shrink(channels):
    layers = [nn.LeakyReLU(0.2, True)]
    for larger, smaller in zip(channels, channels[1:]):
        layers += [nn.Conv2d(larger, smaller, 4, stride=2, padding=1, bias=False)]
        layers += [nn.BatchNorm2d(smaller), nn.LeakyReLU(0.2, True)]
    return layers


def begin_small(layer):
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(layer.weight, 0.0, 0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)
