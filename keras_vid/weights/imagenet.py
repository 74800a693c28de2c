"""Where the ImageNet weights of the image networks are that video networks are made of."""

APPLICATIONS = "https://storage.googleapis.com/tensorflow/keras-applications/"
# backbone: (address, its checksum, source, licence); used by keras_vid.weights.load
IMAGENET = {
    "resnet50": (
        "https://download.pytorch.org/models/resnet50-0676ba61.pth",
        "0676ba61",
        "torchvision, ResNet50_Weights.IMAGENET1K_V1",
        "BSD-3-Clause (package); trained on ImageNet",
    ),
    "resnet101": (
        "https://download.pytorch.org/models/resnet101-63fe2227.pth",
        "63fe2227",
        "torchvision, ResNet101_Weights.IMAGENET1K_V1",
        "BSD-3-Clause (package); trained on ImageNet",
    ),
    "se_resnext101": (
        "https://github.com/rwightman/pytorch-pretrained-gluonresnet/releases/download/v0.1/"
        "gluon_seresnext101_32x4d-cf52900d.pth",
        "cf52900d",
        "timm, seresnext101_32x4d.gluon_in1k",
        "Apache-2.0; trained on ImageNet",
    ),
    "inception_resnet_v2": (
        f"{APPLICATIONS}inception_resnet_v2/inception_resnet_v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "md5:d19885ff4a710c122648d3b5c3b684e4",
        "keras.applications.InceptionResNetV2",
        "Apache-2.0; trained on ImageNet",
    ),
    "mobilenet_v2": (
        f"{APPLICATIONS}mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
        "",  # Keras publishes no checksum of this one
        "keras.applications.MobileNetV2",
        "Apache-2.0; trained on ImageNet",
    ),
    "vgg16": (
        f"{APPLICATIONS}vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "md5:6d6bbae143d832006294945121d1f1fc",
        "keras.applications.VGG16, of the Visual Geometry Group's network",
        "CC BY 4.0; trained on ImageNet",
    ),
}
