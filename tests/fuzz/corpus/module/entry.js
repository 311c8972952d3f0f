import a,{b as c,"d e" as f}from"./a.js";import*as g from'../b.js';import "./c.js" with {type:"json"};
export * as n from "./d.js";export{x}from"./e.js";const t=`${`${1}`}/`,r=/[/"]\/'/gu,i=await import("./f.js");
if(x)/a/.test(y);z=a/b/c;i++/2;class K{#p=1;static{this.import}}for await(const o of[])/q/;// end
