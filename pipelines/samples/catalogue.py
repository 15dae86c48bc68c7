"""What Harbour & Pine sells: 240 things for house and garden, from 2 to about 380 pounds."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipelines.samples.arrays import Ints

RANGES = {
    "Kitchen": ("Oak Ash Copper Stone Linen Enamel", "Chopping Board|Bread Bin|Tea Towel|Kettle|Mixing Bowl"),
    "Bedding": (
        "Linen Cotton Wool Down Percale Flannel",
        "Pillowcase|Duvet Cover|Throw|Fitted Sheet|Cushion",
    ),
    "Lighting": (
        "Brass Glass Rattan Ceramic Paper Steel",
        "Table Lamp|Pendant|Wall Light|Lantern|Candle Holder",
    ),
    "Garden": ("Cedar Terracotta Zinc Bamboo Iron Jute", "Planter|Watering Can|Bird House|Twine|Trellis"),
    "Storage": ("Willow Pine Felt Wire Seagrass Canvas", "Basket|Shelf|Hook Rail|Crate|Laundry Bag"),
    "Bath": ("Waffle Teak Marble Bamboo Hammam Olive", "Towel|Stool|Soap Dish|Bath Mat|Robe"),
    "Stationery": (
        "Cloth Kraft Leather Marbled Grid Indigo",
        "Notebook|Pen Pot|Letter Set|Desk Mat|Calendar",
    ),
    "Outdoor": ("Wax Canvas Birch Steel Wool Harbour", "Tarp|Flask|Camp Stool|Picnic Rug|Rope Bag"),
}
CHEAPEST, STEP = 200, 1.0222  # pence, and how much dearer the next product is


@dataclass(frozen=True)
class Catalogue:
    """The products, dearest last. `prices` in pence; a handle is the product's id in the shop."""

    handles: tuple[str, ...]
    names: tuple[str, ...]
    categories: tuple[str, ...]
    prices: Ints

    def nearest(self, amounts: NDArray[np.float64]) -> Ints:
        """Find the product whose price lies nearest to each amount (in pence), by ratio."""
        middles = np.sqrt(self.prices[1:].astype(np.float64) * self.prices[:-1])
        return np.searchsorted(middles, amounts)

    def partners(self, products: Ints) -> Ints:
        """Give what people like to buy with each product: its neighbour in price, and so of another range."""
        return products ^ 1


@cache
def read_catalogue() -> Catalogue:
    """Give the catalogue, the same in every world; neighbours in price come from different ranges."""
    products = [
        (f"{material} {thing}", category)
        for category, (materials, things) in RANGES.items()
        for material in materials.split()
        for thing in things.split("|")
    ]
    order = [(at * 97) % len(products) for at in range(len(products))]
    names = tuple(products[at][0] for at in order)
    prices = np.round(CHEAPEST * STEP ** np.arange(len(products)) / 5).astype(np.int64) * 5
    handles = tuple(name.lower().replace(" ", "-") for name in names)
    return Catalogue(handles, names, tuple(products[at][1] for at in order), prices)
