"""The model zoo: every network of five teaching documents, with its recipe and its deviations.

>>> import zoo
>>> zoo.get("lenet").declared_parameters
61706
>>> network = zoo.get("lenet").build()
"""

# The import of a module of entries registers them; the order is the order of the tables.
from zoo import lenet as lenet  # isort: skip
from zoo import net as net  # isort: skip
from zoo import dnn as dnn  # isort: skip
from zoo import counting as counting  # isort: skip
from zoo.checking import require_answers, require_sound
from zoo.classes import with_classes
from zoo.documents import DOCUMENTS
from zoo.extension import ExtensionError, add
from zoo.own import model
from zoo.registry import UnknownModelError, get, is_group, names, register, select, temporary
from zoo.spec import Deviation, Document, ModelSpec, Normalisation, Optimiser, Recipe

__all__ = [
    "DOCUMENTS",
    "Deviation",
    "Document",
    "ExtensionError",
    "ModelSpec",
    "Normalisation",
    "Optimiser",
    "Recipe",
    "UnknownModelError",
    "add",
    "get",
    "is_group",
    "model",
    "names",
    "register",
    "require_answers",
    "require_sound",
    "select",
    "temporary",
    "with_classes",
]
