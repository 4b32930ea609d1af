import { ThreadWorker } from "poolifier";
import echo from "./echo.cjs";

export default new ThreadWorker(echo);
