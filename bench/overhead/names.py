"""What contenders are called, in records and tables."""

SUITE, BARE, DOCUMENT, LIGHTNING, SKORCH = "suite", "bare loop", "document", "Lightning", "skorch"
ONE, MANY = "one at a time", "side by side"
BARE_ALONE, BARE_BESIDE = "bare loops, one process", "bare loops, a process for each core"
DEFAULTS, OURS = "torch's defaults", "the suite's"
EAGER, CHANNELS_LAST, BFLOAT16, INT8 = "eager", "channels last", "bfloat16", "int8"
COMPILED, COMPILED_INT8 = "compiled", "compiled int8"
AOT_INDUCTOR, ONNX_RUNTIME = "AOTInductor", "ONNX Runtime"
