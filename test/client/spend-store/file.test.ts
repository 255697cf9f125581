import { spendContract } from "./contract.ts";
import { fileWorld } from "./world.ts";

spendContract("spending in a file", fileWorld);
spendContract("spending in files that are replaced all the time", async () => await fileWorld(1));
