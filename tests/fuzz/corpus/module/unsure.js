#!/x
import{a}from"./a"
function f(){return/"/}{}/1