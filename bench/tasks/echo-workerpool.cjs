require("workerpool").worker({ echo: (n) => n });
