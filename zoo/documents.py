"""The teaching documents that the zoo implements, and what is true of all entries of one."""

from __future__ import annotations

from zoo.spec import Deviation, Document

BP_CNN = Document(
    id="bp-cnn",
    title="CNN versus BP network in PyTorch, handwritten digits (Chinese blog post)",
    builds="LeNet on RGB 32x32, and the parameter counting exercise BP versus CNN",
)
DNN_CNN = Document(
    id="dnn-cnn",
    title="DNN and CNN principles and implementation in PyTorch (Chinese lecture notes)",
    builds="DNN on a synthetic table; DNN on MNIST; LeNet-5 with tanh and average pooling",
)
NET_MNIST = Document(
    id="net-mnist",
    title="Step-by-step CNN for MNIST (Chinese blog post, 2023-05-06)",
    builds="Net: two convolutions, Dropout2d, two linear layers",
)
LENET_SIGMOID = Document(
    id="lenet-sigmoid",
    title="LeNet with sigmoid in PyTorch (Chinese notes; after d2l.ai and LeCun et al. 1998, "
    "Proc. IEEE 86(11):2278-2324)",
    builds="LeNet with sigmoid",
)
LENET_RELU = Document(
    id="lenet-relu",
    title="A CNN from scratch (zhihu p/355527103, reposted 2021-03-12; "
    "code github.com/ZnsNgk/CNN_Course)",
    builds="LeNet with ReLU and max pooling",
)
CONTROLLED = Document(
    id="controlled",
    title="The controlled variants (no document: this suite's own 3 x 2 design)",
    builds="One LeNet, three activations, two poolings",
)

DOCUMENTS = (BP_CNN, DNN_CNN, NET_MNIST, LENET_SIGMOID, LENET_RELU, CONTROLLED)

# dnn-cnn, all its networks
ANY_DEVICE = Deviation(
    what="runs on the device of the cell; the document hard-codes cuda:0",
    reason="the suite compares devices",
)
