"""One page for looking at a folder through an encoder and for labelling it: map, neighbours, thumbnails, the page itself."""

from dogo_tf.exploration.looks import Looks, look
from dogo_tf.exploration.maps import METHODS, place
from dogo_tf.exploration.page import Page, write_page
from dogo_tf.exploration.sample import sampled

__all__ = ["METHODS", "Looks", "Page", "look", "place", "sampled", "write_page"]
